import type { HistoryFormat } from './bindings/HistoryFormat';
import type { HistoryView } from './bindings/HistoryView';
import type { OpeningView } from './bindings/OpeningView';
import type { Snapshot } from './bindings/Snapshot';
import type { Problem } from './engine';
import { openingKey, type RowKey } from './sections';
import type { View } from './view.svelte';
import { words } from './words';

/** How many openings are asked for at a time. */
const PAGE = 100;

/** As many are shown at most: whoever wants an older one looks for it. */
const MOST = 500;

interface Entry {
  key: RowKey;
  opening: OpeningView;
}

/** The openings of a day, the newest first. */
interface Day {
  date: string;
  day: string;
  entries: Entry[];
}

/** What was opened, as far as it is looked at. */
export class History {
  /** What is looked for among it. */
  query = $state('');
  /** What was told last; nothing before that. */
  told = $state.raw<HistoryView | null>(null);
  /** What was looked for among that. */
  toldFor = $state('');
  /** Why it could not be told. */
  problem = $state.raw<Problem | null>(null);

  /** An opening is known by its place, counted from the oldest: a new one changes none of the others. */
  entries = $derived.by<Entry[]>(() => {
    const { openings = [], total = 0 } = this.told ?? {};
    return openings.map((opening, at) => ({ key: openingKey(total - at), opening }));
  });
  days = $derived.by<Day[]>(() => {
    const days: Day[] = [];
    for (const entry of this.entries) {
      const { date, day } = entry.opening;
      const known = days.find((one) => one.date === date);
      if (known) known.entries.push(entry);
      else days.push({ date, day, entries: [entry] });
    }
    return days;
  });
  /** Whether older ones are told on demand, or are too many for that. */
  older = $derived.by<'some' | 'tooMany' | null>(() => {
    if (!this.told || this.told.openings.length >= this.told.total) return null;
    return this.told.openings.length < MOST ? 'some' : 'tooMany';
  });

  readonly #view: View;
  #limit = PAGE;
  /** Counts what was asked: of several answers the one to the last question is wanted. */
  #asked = 0;

  constructor(view: View) {
    this.#view = view;
  }

  /** Looks for what is typed, in the newest. */
  find(query: string): Promise<void> {
    this.query = query;
    this.#limit = PAGE;
    this.#view.select(null);
    return this.#ask();
  }

  /** Has older ones told, too. */
  more(): Promise<void> {
    this.#limit = Math.min(MOST, this.#limit + PAGE);
    return this.#ask();
  }

  /** Looks anew when an attempt or a deallocation has ended meanwhile. */
  see(before: Snapshot | null, after: Snapshot): void {
    const ends = ({ attempts, deallocations }: Snapshot) =>
      JSON.stringify([...attempts, ...deallocations].map(({ number, outcome }) => [number, outcome !== null]));
    if (this.#view.page === 'history' && before && ends(before) !== ends(after)) void this.#ask();
  }

  /** Puts all that fits on the clipboard. */
  async export(format: HistoryFormat): Promise<void> {
    const answered = await this.#view.answerTo({ ask: 'exportHistory', query: this.query, format });
    if ('problem' in answered) return this.#view.tell(answered.problem);
    if (answered.reply.answer !== 'exported') return;
    const { text, count } = answered.reply;
    await this.#view.copy(text, { text: words.exported(count, format), more: words.exportHint(format, this.query.trim() === '') });
  }

  async #ask(): Promise<void> {
    const asked = ++this.#asked;
    const { query } = this;
    const answered = await this.#view.answerTo({ ask: 'history', query, limit: this.#limit });
    if (asked !== this.#asked) return;
    this.problem = 'problem' in answered ? answered.problem : null;
    if ('reply' in answered && answered.reply.answer === 'history') [this.told, this.toldFor] = [answered.reply.history, query];
  }
}
