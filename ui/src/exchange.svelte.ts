import type { ImportChoice } from './bindings/ImportChoice';
import type { ImportView } from './bindings/ImportView';
import type { Request } from './bindings/Request';
import { problemFrom, type Engine, type Problem } from './engine';
import type { View } from './view.svelte';
import { words } from './words';

/** Files that are looked at before favourites are taken in: what that would do, or what keeps it from being done. */
interface Importing {
  found?: ImportView;
  problem?: Problem;
}

/** Favourites that come in files, and go in one. Which files, the shell knows. */
export class Exchange {
  /** The files that are looked at. */
  importing = $state.raw<Importing | null>(null);
  /** Tells these files from others before: what was chosen for those says nothing of these. */
  files = $state(0);
  /** Whether they are being taken in: once is enough. */
  #takesIn = false;

  readonly #view: View;
  readonly #engine: Engine;

  constructor(view: View, engine: Engine) {
    this.#view = view;
    this.#engine = engine;
  }

  /** Has files chosen, and looks at them. */
  async choose(): Promise<void> {
    try {
      if (await this.#engine.chooseImport()) await this.lookAnew();
    } catch (thrown) {
      this.#view.tell(problemFrom(thrown));
    }
  }

  /** Looks at other files than before. */
  async lookAnew(): Promise<void> {
    this.files += 1;
    await this.look(false);
  }

  /** Looks at the files that were chosen or dropped, and shows what taking them in would do as long as nobody has turned away. */
  async look(personal: boolean): Promise<void> {
    const looked: Importing = {};
    this.importing = looked;
    let seen: Importing;
    try {
      seen = { found: await this.#engine.lookAtImport(personal) };
    } catch (thrown) {
      seen = { problem: problemFrom(thrown) };
    }
    if (this.importing === looked) this.importing = seen;
  }

  close(): void {
    this.importing = null;
  }

  /** Takes in what was looked at. What was changed, and what was added, can be undone. */
  async takeIn(choices: ImportChoice[]): Promise<void> {
    if (this.#takesIn) return;
    this.#takesIn = true;
    const looked = this.importing;
    try {
      const { text, undo } = await this.#engine.takeIn(choices);
      this.importing = null;
      const act = undo ? { act: { label: words.undo, run: () => void this.#undo(undo) } } : {};
      this.#view.note = { text, ...act };
    } catch (thrown) {
      this.importing = { ...looked, problem: problemFrom(thrown) };
    } finally {
      this.#takesIn = false;
    }
  }

  async #undo(request: Request): Promise<void> {
    const problem = await this.#view.ask(request);
    if (problem) this.#view.tell(problem);
  }

  /** Writes the favourites into a file for others. */
  async handOn(): Promise<void> {
    try {
      const text = await this.#engine.exportFavourites();
      if (text !== null) this.#view.note = { text };
    } catch (thrown) {
      this.#view.tell(problemFrom(thrown));
    }
  }
}
