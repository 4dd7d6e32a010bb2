// What the mails of the bench `learn` are made of: sentences by category and by era. They were written from how people and companies
// write, without a look at the rules of this build; some of them the rules know, some they do not. An era brings new ways to say it.
import type { Category } from '#machines/mail.ts';

/** Five sentences of all times, then of each of three eras. {thing} is a word of the sender's trade, {sum} an amount, {no} a number, {day} a date, {name} a first name. */
export const sentences: Record<Category, readonly (readonly string[])[]> = {
  inquiry: [
    ['We are looking for somebody who can redo our {thing} pages before summer.', 'Could you tell me what a small {thing} site would cost?', 'My colleague {name} said you build things like this.', 'Would you have time for a call on {day}?', 'At the moment our old page about {thing} looks terrible on phones.'],
    ['I run a little {thing} workshop and need help with an online shop.', 'How long does something like that usually take with you?', 'Our present agency has stopped answering us about the {thing} catalogue.', 'Please let me know whether you still take on new customers.', 'We would want to start around {day}.'],
    ['Is it possible to add bookings for {thing} to the site you made?', 'Since the move the contact form swallows every message.', 'We wonder if the {thing} section might get its own look.', '{name} from our side will be the one to talk to.', 'Any idea what you would charge for looking after it each month?'],
    ['Our board wants the {thing} archive readable for blind visitors.', 'Do you do that kind of audit, and what would you need from us?', 'A rough figure would do for now, for our meeting on {day}.', 'The newsletter tool and the {thing} map ought to talk to each other.', 'Can your studio take this over from {name}?'],
  ],
  invoice: [
    ['Please find attached our invoice {no} for {thing}.', 'The amount of {sum} is due by {day}.', 'Kindly transfer the sum to the account below.', 'Invoice {no} covers {thing} for the past month.', 'Payment within 14 days without deduction.'],
    ['Your statement for {thing} is ready: {sum} to be settled by {day}.', 'We bill {thing} quarterly; this is bill {no}.', 'Total outstanding: {sum}.', 'Remit to the usual account, quoting {no}.', 'The position {thing} was charged by the hour.'],
    ['Fee note {no}: {thing}, {sum}.', 'This amount will be collected from your account unless you object by {day}.', 'Enclosed is our honorarium for {thing}.', 'We ask you to balance fee note {no}.', 'Value date {day}, reference {no}.'],
    ['Subscription renewal: {thing} plan, {sum}, charged after {day}.', 'Open item {no} has not been cleared.', 'Your seat count for {thing} went up, so {sum} is payable now.', 'Usage of {thing} in the last period comes to {sum}.', 'See the e-document for the breakdown of {no}.'],
  ],
  receipt: [
    ['Thank you for your order of {thing}.', 'We have received your payment of {sum}.', 'This is your receipt for order {no}.', 'Order {no} is confirmed and paid.', 'You paid {sum} by card.'],
    ['Your purchase of {thing} went through.', 'Card ending 4417 was charged {sum}.', 'Keep this slip for your books: {no}.', 'Nothing more to pay for {thing}.', 'Bought on {day}.'],
    ['Top-up of {sum} done, thanks.', 'Ticket {no} for {thing}: paid in full.', 'Your booking of {thing} is settled.', 'Balance zero after {day}.', 'Proof of purchase {no} below.'],
    ['Checkout complete: {thing}.', 'We debited {sum} and {thing} is yours.', 'Here is the till slip, number {no}.', 'Transaction {no} succeeded on {day}.', 'Licence for {thing} activated after payment.'],
  ],
  payment: [
    ['We have transferred {sum} for your invoice {no}.', 'A payment of {sum} was credited to your account.', 'Remittance advice: {no}, {sum}.', 'You will receive {sum} on {day}.', 'Paid today by bank transfer.'],
    ['Payout {no} of {sum} is on its way to you.', 'Our accounts run of {day} includes your bill {no}.', 'Your share of the {thing} sales: {sum}.', 'Funds should arrive within two banking days.', 'Settlement {no} closed.'],
    ['Incoming: {sum} from {name}.', 'Your wallet grew by {sum}.', 'We settled what we owed you for {thing}.', 'Disbursement {no} released on {day}.', 'Credit entry {sum}, text {no}.'],
    ['Instant transfer to you: {sum}.', 'The grant instalment for {thing} has been released.', 'Self-billing note {no}: we pay you {sum}.', 'Escrow for {thing} released in your favour.', 'Look for {sum} on your statement of {day}.'],
  ],
  notice: [
    ['Our newsletter about {thing}, issue {no}.', 'Maintenance of {thing} is planned for {day}.', 'Your parcel {no} will be delivered on {day}.', 'This is an automatic message, please do not reply.', 'New in {thing} this month.'],
    ['The terms of {thing} change on {day}.', 'Build {no} of {thing} finished without errors.', 'You have unread updates in {thing}.', '{name} shared a folder with you.', 'Digest of the {thing} group.'],
    ['Release notes {no}: {thing} got quicker.', 'Certificate for {thing} renewed until {day}.', 'Backup {no} of {thing} completed.', 'A member of {thing} posted something.', 'Your weekly numbers for {thing}.'],
    ['Incident {no} on {thing} is resolved.', 'Heads-up: {thing} moves to other servers on {day}.', '{name} mentioned you in {thing}.', 'Minutes of the {thing} meeting are online.', 'Your storage of {thing} is three quarters full.'],
  ],
  spam: [
    ['You have been selected as a winner of {sum}.', 'Cheap {thing} without prescription, click now.', 'Dear friend, I have a confidential business proposal.', 'Your mailbox is full, verify your password here: https://{host}/login', 'Get on the first page of search results, guaranteed.'],
    ['Earn {sum} a day from home with {thing}.', 'Last chance: {thing} at ninety percent off https://{host}/deal', 'Our experts grow your followers overnight.', 'Your account shows odd activity, confirm at https://{host}/check', 'I came across your site and saw many mistakes.'],
    ['Passive income with {thing} coins, starts at {sum}.', 'We have footage of you, pay {sum} in coins.', 'Sponsored post on your blog? We pay {sum}.', 'The parcel is held, a small duty applies: https://{host}/parcel', 'Buy verified reviews for {thing}.'],
    ['Our AI agent books you forty meetings with {thing} leaders a month.', 'Unlock the {thing} pre-sale at https://{host}/join', 'Quick question, {name}: who handles your outreach?', 'Your domain listing lapses, renew through us for {sum}.', 'Tax refund of {sum} waits: https://{host}/refund'],
  ],
};

export const subjects: Record<Category, readonly (readonly string[])[]> = {
  inquiry: [['Question', 'Website for {thing}', 'Your work'], ['Shop for {thing}', 'Time for a project?', 'Enquiry'], ['{thing} again', 'Form broken', 'Small change'], ['Audit', 'Next year', '{thing} and accessibility']],
  invoice: [['Invoice {no}', 'Your invoice', 'Rechnung {no}'], ['Statement {no}', '{thing} bill', 'Amount due {day}'], ['Fee note {no}', 'Collection {day}', 'Honorarium'], ['Renewal of {thing}', 'Open item {no}', 'Usage {day}']],
  receipt: [['Your order {no}', 'Receipt', 'Thanks for your order'], ['Purchase {no}', 'Slip {no}', 'Done: {thing}'], ['Ticket {no}', 'Top-up', 'Settled: {thing}'], ['Checkout {no}', 'Till slip', '{thing} is yours']],
  payment: [['Payment {no}', 'Remittance advice', 'Transfer of {sum}'], ['Payout {no}', 'Accounts run {day}', 'Your share'], ['Incoming {sum}', 'Disbursement', 'Credit entry'], ['Instant transfer', 'Instalment {thing}', 'Self-billing {no}']],
  notice: [['News {no}', 'Maintenance {day}', '{thing} monthly'], ['Terms of {thing}', 'Build {no}', 'Digest'], ['Release {no}', 'Backup {no}', 'Weekly numbers'], ['Incident {no}', 'Heads-up', 'Minutes']],
  spam: [['You won', 'Dear friend', 'Mailbox full'], ['Earn from home', 'Last chance', 'Odd activity'], ['Coins', 'Parcel held', 'Reviews'], ['Forty meetings', 'Pre-sale', 'Tax refund']],
};

export const things: readonly (readonly string[])[] = [
  ['garden', 'pottery', 'hosting', 'printing', 'bakery', 'cleaning', 'phone', 'coffee', 'office chairs', 'music school'],
  ['joinery', 'courier', 'cloud disk', 'paper', 'fonts', 'electricity', 'sailing', 'translation', 'cider', 'yoga'],
  ['scheduler', 'stock photos', 'vpn', 'beekeeping', 'transcription', 'solar', 'museum', 'monitor stand', 'ticketing', 'choir'],
  ['vector store', 'charger', 'heat pump', 'captions', 'cargo bike', 'archive', 'badge printer', 'co-op', 'passkey', 'orchard'],
];
