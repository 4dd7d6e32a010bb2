// One thing of the store by its kind and id.
import { Empty, Screen } from '../parts/frame.tsx';
import { ArtifactRecord } from './record-artifact.tsx';
import { EntityRecord } from './record-entity.tsx';
import { FactRecord } from './record-fact.tsx';
import { IntentRecord } from './record-intent.tsx';
import { AnnotationRecord, DecisionRecord } from './record-word.tsx';
import './record.css';

const screens = { entity: EntityRecord, artifact: ArtifactRecord, intent: IntentRecord, fact: FactRecord, decision: DecisionRecord, annotation: AnnotationRecord };

export function Record({ params: { kind = '', id = '' } }: { params: Record<string, string> }) {
  if (!Object.hasOwn(screens, kind)) return <Screen title="Nothing is here"><Empty>The store has no kind of that name. <a href="/store">Look through the store</a>.</Empty></Screen>;
  const Shown = screens[kind as keyof typeof screens];
  // Another thing begins anew: nothing of the one before is shown under its name.
  return <Shown key={`${kind} ${id}`} id={id} />;
}
