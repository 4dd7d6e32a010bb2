// Every table of the store with its columns, in their order: what is written, hashed, exported and read back is said once, here.
export const tables = {
  journal: ['seq', 'id', 'actor', 'rev', 'at_ms', 'outcome', 'body', 'digest', 'parts', 'hash'],
  actor: ['address', 'machine', 'rev', 'status', 'value', 'parent', 'record', 'updated_ms'],
  outbox: ['id', 'receiver', 'sender', 'cause', 'due_ms', 'at_ms', 'body', 'chain'],
  entity: ['id', 'kind', 'seq'],
  fact: ['n', 'entity', 'predicate', 'version', 'value', 'label', 'confidence', 'source', 'supersedes', 'valid_from_ms', 'valid_to_ms', 'actor', 'seq', 'recorded_ms'],
  intent: ['id', 'kind', 'state', 'actor', 'summary', 'data', 'seq', 'created_ms', 'updated_ms'],
  intent_change: ['n', 'id', 'kind', 'state', 'summary', 'data', 'actor', 'seq', 'at_ms'],
  artifact: ['id', 'version', 'kind', 'media_type', 'name', 'hash', 'size_bytes', 'actor', 'seq', 'at_ms'],
  blob: ['hash', 'bytes'],
  decision: ['n', 'actor', 'seq', 'at_ms', 'what', 'outcome', 'confidence', 'machine', 'detail'],
  annotation: ['n', 'kind', 'target_kind', 'target', 'text', 'detail', 'actor', 'seq', 'at_ms'],
  spend: ['n', 'id', 'state', 'workflow', 'run', 'micros', 'held', 'counted_ms', 'until_ms', 'detail', 'actor', 'seq', 'at_ms'],
  answer: ['key', 'task', 'model', 'value', 'at_ms'],
  parked: ['id', 'subject', 'reason', 'bytes', 'at_ms', 'seq'],
  search: ['kind', 'id', 'version', 'text'],
} as const;
export type Table = keyof typeof tables;

/** Made by triggers from the rows of `spend`: neither hashed nor exported, an import makes them again. */
export const madeTables = ['balance', 'reservation'] as const;
/** Vectors, made from the rows of `search` by whoever embeds them (store/vectors.ts): neither hashed nor exported, and made again. */
export const vectorTables = ['vector', 'embedded', 'vector_page', 'vector_count'] as const;

/** The records of a commit whose rows its journal row vouches for, by one hash over all of them: those of `late` only when there are any, so that older hashes stay. */
export const vouched = ['fact', 'intent_change', 'decision', 'annotation', 'artifact', 'spend'] as const satisfies Table[];
export const late: ReadonlySet<Table> = new Set<Table>(['spend']);
export type Vouched = (typeof vouched)[number];
