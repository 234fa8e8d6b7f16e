import type { Profile } from './bindings/Profile';
import type { ProfileName } from './bindings/ProfileName';
import type { Request } from './bindings/Request';
import type { Snapshot } from './bindings/Snapshot';
import { announcement } from './announce';
import { problemFrom, type Engine, type Problem } from './engine';
import { search } from './search';
import { favouriteKey, sectionsOf, windowKey, type RowKey } from './sections';
import { words } from './words';

/** A short message at the foot of the window that leaves by itself. */
export interface Note {
  text: string;
  more?: string;
  trouble?: boolean;
  act?: { label: string; run: () => void };
}

/** The last snapshot, what is typed and selected, and the requests that the window makes. */
export class View {
  snapshot = $state.raw<Snapshot | null>(null);
  /** Why there is no snapshot. */
  problem = $state.raw<Problem | null>(null);
  query = $state('');
  note = $state.raw<Note | null>(null);
  announced = $state('');
  #selected = $state<RowKey | null>(null);

  sections = $derived(this.snapshot && sectionsOf(this.snapshot));
  searching = $derived(this.query.trim() !== '');
  matches = $derived(search(this.query, this.snapshot?.favourites ?? []));
  /** The rows that arrows reach, from the top. */
  rows = $derived<RowKey[]>([
    ...(this.searching ? [] : (this.snapshot?.windows ?? []).map(windowKey)),
    ...this.matches.map(({ favourite }) => favouriteKey(favourite)),
  ]);
  /** The selected row, as long as it is there; in a search the best finding until another is chosen. */
  selected = $derived.by(() => {
    if (this.#selected !== null && this.rows.includes(this.#selected)) return this.#selected;
    return this.searching ? (this.rows[0] ?? null) : null;
  });

  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Follows the engine until the returned function is called. */
  follow(): () => void {
    let stop: (() => void) | null = null;
    let stopped = false;
    const following = this.#engine.follow((snapshot) => {
      this.announced = announcement(this.snapshot, snapshot, Date.now());
      this.snapshot = snapshot;
      this.problem = null;
    });
    following.then(
      (unfollow) => {
        if (stopped) unfollow();
        else stop = unfollow;
      },
      (thrown: unknown) => (this.problem = problemFrom(thrown)),
    );
    return () => {
      stopped = true;
      stop?.();
    };
  }

  select(row: RowKey | null): void {
    this.#selected = row;
  }

  find(query: string): void {
    this.query = query;
    this.#selected = null;
  }

  /** Asks, and tells what was refused unless the caller does: null when all is well. */
  async ask(request: Request): Promise<Problem | null> {
    try {
      const reply = await this.#engine.request(request);
      return reply.answer === 'refused' ? reply.failure : null;
    } catch (thrown) {
      return problemFrom(thrown);
    }
  }

  async #askOrTell(request: Request): Promise<boolean> {
    const problem = await this.ask(request);
    if (problem) this.#tell(problem);
    return problem === null;
  }

  connect(name: ProfileName, source?: string): Promise<boolean> {
    return this.#askOrTell({ ask: 'connect', name, launch: true, ...(source === undefined ? {} : { source }) });
  }

  connectRow(row: RowKey): void {
    const open = this.sections?.open.find((candidate) => windowKey(candidate.window) === row);
    const window = open?.canConnect ? open.window : undefined;
    const favourite = this.snapshot?.favourites.find((candidate) => favouriteKey(candidate) === row);
    const name = window?.name ?? favourite?.name;
    if (name !== undefined) void this.connect(name);
  }

  cancel(name: ProfileName): Promise<boolean> {
    return this.#askOrTell({ ask: 'cancel', name });
  }

  dismiss(name: ProfileName): Promise<boolean> {
    return this.#askOrTell({ ask: 'dismiss', name });
  }

  refresh(): Promise<boolean> {
    return this.#askOrTell({ ask: 'refresh' });
  }

  add(name: ProfileName, profile: Profile): Promise<Problem | null> {
    return this.ask({ ask: 'add', name, profile });
  }

  async remove(name: ProfileName): Promise<void> {
    const favourite = this.snapshot?.favourites.find((candidate) => candidate.name === name);
    if (!favourite || !(await this.#askOrTell({ ask: 'remove', name }))) return;
    const undo = () => void this.#askOrTell({ ask: 'add', name, profile: favourite.profile });
    this.note = { text: words.removed(name), act: { label: words.undo, run: undo } };
  }

  async copy(text: string): Promise<void> {
    try {
      await this.#engine.copyText(text);
      this.note = { text: words.copied };
    } catch (thrown) {
      this.#tell(problemFrom(thrown));
    }
  }

  async openHelp(url: string): Promise<void> {
    try {
      await this.#engine.openHelp(url);
    } catch (thrown) {
      this.#tell(problemFrom(thrown));
    }
  }

  async closeWindow(): Promise<void> {
    try {
      await this.#engine.closeWindow();
    } catch (thrown) {
      this.#tell(problemFrom(thrown));
    }
  }

  #tell({ title, message, action }: Problem): void {
    this.note = { text: title, more: `${message} ${action}`, trouble: true };
  }
}
