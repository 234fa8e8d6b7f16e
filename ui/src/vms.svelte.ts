import type { FoundVm } from './bindings/FoundVm';
import type { ProfileName } from './bindings/ProfileName';
import type { Snapshot } from './bindings/Snapshot';
import type { View } from './view.svelte';

/** How many VMs are asked for at a time: some screens full. */
const PAGE = 100;

/** All VMs that the accounts can see, and those of them that fit what is typed, as far as they have come. */
export class Vms {
  /** The best that are no favourites. */
  found = $state.raw<FoundVm[]>([]);
  /** How many such there are. */
  total = $state(0);
  /** The favourites that fit, also by what is not shown of them. */
  favourites = $state.raw<ProfileName[]>([]);
  /** What they fit. */
  query = $state('');

  readonly #view: View;
  /** Counts what was asked: of several answers the one to the last question is wanted. */
  #asked = 0;
  #answer: Promise<void> = Promise.resolve();
  /** What was there when more was asked for last. */
  #goesOn: FoundVm[] | null = null;

  constructor(view: View) {
    this.#view = view;
  }

  /** Has them read where that was done a while ago, or anew. */
  read(anew = false): void {
    void this.#view.ask({ ask: 'readInventory', anew });
  }

  /** Looks for what is typed. */
  find(query: string): void {
    this.#answer = this.#ask(query, query === this.query ? Math.max(PAGE, this.found.length) : PAGE);
  }

  /** Once what was typed last has been looked for. */
  answered(): Promise<void> {
    return this.#answer;
  }

  /** The ones after those that are there, unless they are on their way, or others are wanted by now. */
  async more(): Promise<void> {
    const { query, found } = this;
    if (found.length >= this.total || this.#goesOn === found) return;
    this.#goesOn = found;
    const asked = this.#asked;
    const answered = await this.#view.answerTo({ ask: 'findVms', query, apart: true, skip: found.length, limit: PAGE });
    if (asked !== this.#asked) return;
    if ('problem' in answered || answered.reply.answer !== 'vms') {
      // Whoever comes to the end once more asks again.
      this.#goesOn = null;
      return;
    }
    this.found = [...found, ...answered.reply.found.vms];
  }

  /** Looks anew when other VMs are known, or others of them are favourites. */
  see(before: Snapshot | null, after: Snapshot): void {
    const known = ({ inventory, favourites }: Snapshot) =>
      JSON.stringify([inventory?.count, inventory?.readAt, favourites.map(({ vm }) => vm)]);
    if (this.#view.searching && before && known(before) !== known(after)) this.find(this.#view.query.trim());
  }

  async #ask(query: string, limit: number): Promise<void> {
    const asked = ++this.#asked;
    const answered = await this.#view.answerTo({ ask: 'findVms', query, apart: true, skip: 0, limit });
    if (asked !== this.#asked) return;
    const found = 'reply' in answered && answered.reply.answer === 'vms' ? answered.reply.found : null;
    this.query = query;
    this.found = found?.vms ?? [];
    this.total = found?.total ?? 0;
    this.favourites = found?.favourites ?? [];
  }
}
