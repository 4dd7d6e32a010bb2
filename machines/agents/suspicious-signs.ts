// What a mail says when it talks to the agent instead of to the operator. The patterns run over folded text on one line
// (see read-text.ts), so they are plain ASCII and every gap in them is bounded.

/** One way of instructing an agent, and the words in which the operator is told about it. */
export interface Sign { reason: string; pattern: RegExp }

const ignoring = 'asks to ignore instructions';
const speaking = 'speaks to an AI or an assistant program';
const role = 'tries to give the agent a new role';
const prompt = 'contains a fake system prompt';
const deciding = 'tells the agent how to decide or to act unasked';
const result = 'sets the decision or its confidence';
const data = 'asks for internal data';
const forwarding = 'asks to forward mail to another address';
const running = 'asks to run a command';
const dictating = 'dictates the exact reply';

const earlier = '(?:previous|prior|earlier|above|preceding|existing|original|other|your|all|any|the|these|those|its)';
const orders = '(?:instructions?|instructed|rules?|prompts?|guidelines?|directives?|policy|policies|restrictions?|commands?|constraints?|safeguards?|programming)';
const befehl = '(?:anweisung|anordnung|instruktion|vorgabe|regel|richtlinie|befehl|prompt|einschraenkung|vorschrift)(?:en|n|e|s)?\\b';
const machine = '(?:ai|a\\.i\\.|llm|gpt|artificial intelligence|language model|chatbot|(?:ai|e-?mail|mail|virtual|automated|autonomous|triage|helpful ai)[ -](?:assistant|agent|system|bot|model|program|tool))';
const maschine = '(?:ki|k\\.i\\.|llm|kuenstliche intelligenz|sprachmodell|chatbot|assistenzsystem|(?:ki|mail|e-mail|ai)[ -]?(?:assistent|agent|assistenz|system|bot|modell)(?:in|en)?)';
const people = '(?:customer|client|user|subscriber|mailing|personal|private|confidential|internal|login|payroll)';
const secrets = "(?:api[ -]?keys?|passwords?|credentials|secrets|access tokens?|private keys?|system prompt|initial prompt|instructions|bank (?:account )?(?:data|credentials|logins?))";

/** One of these is enough. */
export const strongSigns: readonly Sign[] = [
  { reason: ignoring, pattern: new RegExp(`\\b(?:ignor(?:e|es|ing)|disregard(?:ing)?|overrid(?:e|ing)|overrule|bypass(?:ing)?|circumvent)\\b.{0,25}\\b${earlier}\\b.{0,30}\\b${orders}\\b`) },
  { reason: ignoring, pattern: new RegExp(`\\bforget (?:all |about )?(?:all|your|any|the|every|previous|prior|earlier)\\b.{0,25}\\b${orders}\\b|\\b(?:ignore|disregard|forget) (?:everything|anything|all)\\b.{0,25}\\b(?:before|above|told|said|learned|so far|previous|know)\\b`) },
  { reason: ignoring, pattern: new RegExp(`\\b(?:ignorier(?:e|en sie|t)?|missachte(?:n sie|t)?|vergiss|vergesst|vergessen sie|uebergehe?|uebergehen sie|umgehe?|umgehen sie|verwirf|verwerfen sie|ueberschreibe?|befolge nicht|setze? .{0,20}ausser kraft)\\b.{0,60}${befehl}`) },
  { reason: ignoring, pattern: /\b(?:vergiss|vergessen sie|ignoriere?|ignorieren sie) alles\b|\bignorez\b.{0,30}\binstructions\b|\bignora\b.{0,30}\binstrucciones\b/ },
  { reason: ignoring, pattern: new RegExp(`\\b(?:do not|don't|stop|never) (?:follow|obey|apply|respect|adher\\w*|following|obeying|applying)\\b.{0,20}\\b(?:your|the|any|those|these|previous)\\b.{0,15}\\b${orders}\\b|\\b(?:beachte|befolge|folge|halte dich an)\\b.{0,50}${befehl}.{0,15}\\bnicht\\b`) },
  { reason: ignoring, pattern: /\b(?:ignore|disregard|forget)(?:all|the|your|any)*(?:previous|prior|above|your)*(?:instructions|rules|prompts)|\b(?:ignoriere|vergiss)(?:alle|deine)?(?:vorherigen|bisherigen|vorigen)?(?:anweisungen|regeln)/ },
  { reason: speaking, pattern: /\b(?:when|while|if|before|after) (?:you (?:are )?)?(?:summari[sz](?:e|ing)|process(?:ing)?|reply(?:ing)? to|answer(?:ing)?|triag(?:e|ing)|classif(?:y|ying)|draft(?:ing)?) (?:this|the|these|any) (?:e-?mail|mail|message|text|thread)s?\b|\b(?:wenn|falls|bevor) du (?:diese|die) (?:e-?mail|mail|nachricht)\b|\bbeim (?:zusammenfassen|verarbeiten|beantworten|einordnen) dieser (?:e-?mail|mail|nachricht)\b/ },
  { reason: speaking, pattern: new RegExp(`\\b(?:as|if|since|because|in case|when) (?:you(?:'re| are) )?(?:an? |the |any )?${machine}\\b.{0,30}\\b(?:you|please|must|reads?|reading|your)\\b|\\bif you(?:'re| are) (?:an? |the )?${machine}\\b`) },
  { reason: speaking, pattern: /\b(?:as|since you are|if you are) (?:an? |the |my |our )?(?:helpful |digital |virtual |email |mail )?(?:assistant|agent|bot),? (?:you (?:must|should|have to|need to|are|will|can)|your (?:task|job|duty)|please)\b/ },
  { reason: speaking, pattern: new RegExp(`\\b(?:dear|attention|attn|hello|hey|hi|to|for|notes? (?:to|for)|instructions? (?:to|for)|message (?:to|for)|notice (?:to|for))[:,]? (?:the |all |any |this |whichever |your )?${machine}s?(?: |\\s?[:,;!)-]| reading)`) },
  { reason: speaking, pattern: /\b(?:attention|attn|notes? (?:to|for)|instructions? (?:to|for)|message (?:to|for)|hey|hello|dear)[:,]? (?:the |all |any |this |processing )?(?:assistants?|agents?|bots?|model)\s?(?:[:,;!-]|reading|processing|handling|who|that|which)/ },
  { reason: speaking, pattern: new RegExp(`\\b(?:als|an|liebe[rs]?|hallo|achtung|hinweis(?:e)? (?:an|fuer)|anweisung(?:en)? (?:an|fuer)|(?:falls|wenn|da) du|fuer)[:,]? (?:eine?n? |die |den |das |alle |der |diese |deine )?${maschine}\\b`) },
  { reason: speaking, pattern: /\b(?:als|hinweis an den|anweisung an den|an den|lieber|hallo) (?:mein |digitaler |virtueller |hilfsbereiter |deren )?(?:assistent|agent|bot)(?:en)?,? ?(?:[:!]|musst du|sollst du|bist du|du (?:musst|sollst|bist))/ },
  { reason: role, pattern: /\b(?:you are now|from now on,? you|pretend (?:to be|you are|that you)|(?:must|shall|will) (?:now )?act as my|act as (?:if you|an? (?:unrestricted|different|admin|root|system))|you have been (?:reprogrammed|updated|upgraded)|your new (?:role|task|instructions?|goal|job) (?:is|are)|new (?:system )?instructions?\s?:|developer mode|jailbreak|dan mode|god mode)/ },
  { reason: role, pattern: /\b(?:du bist (?:jetzt|nun|ab sofort|ab jetzt)|ab (?:jetzt|sofort) (?:bist|antwortest|handelst|sollst|wirst|musst) du|verhalte dich (?:wie|als)|deine neue (?:aufgabe|rolle|anweisung)|neue (?:system)?anweisung(?:en)?\s?:|entwicklermodus)/ },
  { reason: prompt, pattern: /<\|?\s?\/?\s?(?:im_start|im_end|system|endoftext|assistant|inst|instructions?|tool_call|function_calls?)[^>]{0,20}>|\[\/?(?:inst|system|sys|assistant|tool|system message|systemnachricht|systemmeldung)[^\]]{0,20}\]|#{2,} ?(?:system|instructions?|assistant|new task|(?:neue )?anweisung)|\b(?:begin|start|end) (?:of )?(?:the )?(?:system )?(?:prompt|instructions)\b|\bsystem ?(?:prompt|override)s?\b|\bsystem ?(?:message|notice|command|instruction|note|anweisung|nachricht|befehl|hinweis)\s?:|"(?:role|tool|function|tool_calls?)"\s?:\s?["[{]/ },
  { reason: deciding, pattern: /\b(?:auto-?approve|mark (?:this|it|the)(?: \w+){0,2} as (?:approved|paid|trusted|safe|inquiry|not spam)|approve (?:it|this|that|the|all|every|any)\b.{0,40}\b(?:automatically|immediately|without|now|yourself|right away|silently|on behalf|draft|payment|transfer|request|pending|operation)|approve (?:all|everything|every)\b|no (?:approval|human review) (?:is )?(?:needed|required|necessary)|skip (?:the )?(?:approval|review|confirmation|triage)|grant (?:yourself|me|us) (?:access|permission|admin)|(?:already|pre-?)\s?(?:been )?approved by (?:the )?(?:operator|owner|admin))/ },
  { reason: deciding, pattern: /\b(?:without|do not|don't|never|no need to) (?:ask|asking|tell|telling|inform|informing|notify|notifying|alert|alerting|consult|consulting|involve|involving|wait for|waiting for)\b.{0,20}\b(?:operator|owner|users?|human|approval|permission)\b/ },
  { reason: deciding, pattern: /(?<!ich )\bgenehmige\b(?! ich)|\bgib (?:die|den|das|alle|diese) .{0,30}\bfrei\b|\bmarkiere (?:diese|die|das|sie|es)\b.{0,30}\bals\b|\b(?:alles|alle .{0,25}|diese .{0,25}|die zahlung|den entwurf|die freigabe) (?:sofort |umgehend )*(?:automatisch )(?:zu )?(?:genehmigen|freigeben)|\bautomatisch (?:genehmig|freigeb|freizugeb)\w*|\bkeine (?:freigabe|genehmigung) (?:noetig|notwendig|erforderlich)|\b(?:freigabe|genehmigung)\b.{0,20}\berteilen|\berteile\b.{0,20}\b(?:freigabe|genehmigung)|\bohne (?:rueckfrage|ruecksprache|freigabe) (?:bei|beim|mit|durch)\b|\bohne (?:\w+ ){0,3}(?:freigabe|genehmigung) (?:abzuwarten|einzuholen|zu)|\bohne (?:den|die|deinen|deine) (?:\w+ )?(?:inhaber\w*|betreiber\w*|nutzer\w*|benutzer\w*|chef\w*|menschen) zu|\b(?:frage?|informiere?|sage?|benachrichtige|erwaehne)\b.{0,30}\b(?:betreiber|inhaber|nutzer|benutzer|chef)\w*\b.{0,20}\b(?:nicht|nichts)\b/ },
  { reason: result, pattern: /\b(?:confidence|konfidenz|category|kategorie|triage|classification|klassifizierung)\s?(?:score |level |wert )?(?:to|auf|:|=|is|ist)\s?"?(?:0\.\d|1(?:\.0)?\b|100|9\d|high|hoch|inquiry|payment|receipt|notice|anfrage|zahlung)|\b(?:classify|categori[sz]e|treat|label|klassifiziere|behandle|stufe) (?:this|it|diese?|the) ?(?:e-?mail|mail|message|nachricht)? ?(?:as|als) (?:an? |eine? )?(?:\w+ )?(?:inquiry|payment|receipt|notice|invoice|approved|paid|trusted|safe|anfrage|zahlung|quittung|genehmigt|sicher)/ },
  { reason: data, pattern: new RegExp(`\\b(?:send|export|e?mail|forward|share|list|reveal|give|output|print|dump|upload|provide|attach|show|disclose|return|include|leak|deliver)\\b.{0,30}\\b(?:all|every|entire|complete|whole|list of|everything|copy of)\\b.{0,40}\\b${people}s?\\b.{0,15}\\b(?:data|details?|records?|lists?|database|e-?mails?|address(?:es)?|files?|information|credentials|passwords?|contacts?|messages?|history)\\b`) },
  { reason: data, pattern: new RegExp(`\\b(?:send|export|e?mail|forward|share|list|reveal|give|output|print|dump|upload|provide|show|disclose|repeat|include|leak)\\b.{0,25}\\b(?:your|all|every|any stored|stored|the (?:company|operator|owner)(?:'s)?)\\b.{0,15}\\b${secrets}|\\b(?:send|export|e?mail|share|list|reveal|give|output|dump|upload|show|disclose|leak)\\b.{0,40}\\b(?:customer (?:database|list|data)|client list|address book|contents? of (?:the|your) (?:mailbox|inbox)|all (?:e?mails|contacts|customers|clients)|(?:every|each|all)(?: of)? (?:your |the )?(?:customer|client|contact)s?)\\b`) },
  { reason: data, pattern: /\b(?:schicke?|schicken|sende|senden|uebermittle|uebermitteln|antworte|antworten|exportiere|exportieren|verrate|verraten|nenne|leite|gib|geben|zeige|liste|kopiere|teile)\b.{0,50}(?:\b(?:all(?:e|en|er)?|saemtliche\w*|die gesamte\w*)\b.{0,30}(?:kunden|datenbank|kontakte|adressen|passwoert|postfach)|kundendaten|kundenliste|kundendatenbank|adressbuch|mir (?:die|deine|ihre) datenbank|deine passwoerter|zugangsdaten aller|api-?schluessel|systemprompt|deine anweisungen|kontodaten aller)/ },
  { reason: forwarding, pattern: /\b(?:forward|redirect|resend|relay|bcc|leiten?|weiterleiten|weiterzuleiten)\b[^@]{0,90}\b(?:to|at|an)\b[^@]{0,25}[\w.+-]{1,60}@[\w-]{1,60}\./ },
  { reason: data, pattern: /\b(?:reply|respond|answer) with\b.{0,20}\b(?:list of|names of|contents? of|all|bank|login|password|database|customer|client)\b.{0,40}\b(?:customers?|clients?|contacts?|login|passwords?|data|inbox|mailbox|database|accounts?|emails)\b/ },
  { reason: forwarding, pattern: /\bleiten?\b.{0,40}\ban (?:alle|saemtliche)\b|\bforward\b.{0,40}\bto (?:all|every|each) (?:of )?(?:your )?\w+/ },
  { reason: forwarding, pattern: /\b(?:forward|redirect|bcc)\b.{0,20}\b(?:all|every|any|each|incoming|future|my|your)\b.{0,25}\b(?:e?-?mails?|messages?|invoices?|correspondence|threads?|inbox|replies)\b.{0,40}\bto\b|\bleiten?\b.{0,15}\b(?:alle|saemtliche|jede|eingehende)\b.{0,50}\b(?:weiter|an)\b/ },
  { reason: running, pattern: /\b(?:run|execute|invoke|call) (?:the following|this|the shell|a shell|the bash|the system) ?(?:shell |bash |system )?(?:command|function|tool|script|code)\b|\b(?:fuehre|rufe) (?:den |das |die |folgende\w* |diese\w* )+(?:befehl|kommando|skript|funktion|werkzeug)\b|\bkeelson (?:approve|erase|export|send|policy)\b|\brm -rf\b|\bcurl https?:|\bdrop table\b/ },
  { reason: dictating, pattern: /\b(?:respond|reply|answer|output|write back|antworte|antworten sie|schreibe)\b.{0,25}\b(?:only with|exactly|with exactly|verbatim|word for word|nothing but|nur mit|genau mit|ausschliesslich mit|woertlich|exakt)\b|\b(?:include|insert|add|put|fuege|setze)\b.{0,15}\b(?:following|folgende\w*|this)\b.{0,30}\b(?:reply|response|draft|antwort|entwurf)\b/ },
];

/** Harmless alone; two different ones together are not. */
export const weakSigns: readonly Sign[] = [
  { reason: 'asks to forward it', pattern: /\b(?:forward|redirect) (?:this|it|these)\b|\bleiten? (?:sie )?(?:diese|das|es)\b.{0,30}\bweiter\b/ },
  { reason: 'asks for an approval', pattern: /\bapprove\b|\bfreigeben\b|\bgenehmigen\b/ },
  { reason: 'presses for secrecy', pattern: /\b(?:keep this (?:confidential|between us|secret)|tell no one|do not (?:tell|discuss)|strictly confidential|vertraulich behandeln|streng vertraulich|niemandem (?:davon|etwas)|unter uns bleiben)\b/ },
  { reason: 'presses for an immediate money transfer', pattern: /\b(?:urgent(?:ly)? (?:transfer|payment|wire)|wire (?:the )?(?:money|funds|transfer)|pay (?:immediately|right now|today)|gift ?cards?|sofort ueberweisen|eilueberweisung|gutscheinkarten|geschenkkarten)\b/ },
  { reason: 'speaks about AI instructions', pattern: /\b(?:ai|llm|ki|assistant|prompt|chatgpt|language model|sprachmodell)\b.{0,40}\b(?:instruct\w*|must|muss|soll|befolg\w*|obey|execute|anweisung\w*)\b/ },
];

/** A risk of its own: payment fraud begins with it. */
export const bankChange: Sign = {
  reason: 'asks to change bank details',
  pattern: /\b(?:bank(?:ing)? (?:account|details|data)?.{0,20}\b(?:have|has|were|was) (?:recently |just )?(?:changed|been (?:changed|updated))|(?:changed|updated?) (?:our |the |your |my )?bank(?:ing)? (?:details|account)?|new bank (?:account|details)|(?:bankverbindung|kontoverbindung|bankdaten|iban) .{0,40}\b(?:geaendert|gewechselt)|(?:neue|geaenderte) (?:bankverbindung|kontoverbindung|iban|bankdaten))\b/,
};

/** A line that plays the system's part in a conversation. */
export const systemLine = /(?:^|\n)\s{0,10}(?:system|assistant|developer|operator|root)\s?(?:\([\w ]{1,20}\))?\s?[:>\]]\s?.{0,60}\b(?:you|your|ignore|override|new|user|du|deine?|ignorier|alle|all|approve|must)\b/;
