import { SvelteSet } from 'svelte/reactivity';

import type { FavouriteView } from './bindings/FavouriteView';
import type { ProfileName } from './bindings/ProfileName';
import type { Request } from './bindings/Request';
import type { Snapshot } from './bindings/Snapshot';

interface Lists {
  readonly snapshot: Snapshot | null;
}

/** The favourites that are picked, to do something with all of them. */
export class Picked {
  readonly #names = new SvelteSet<ProfileName>();
  readonly #lists: Lists;

  constructor(lists: Lists) {
    this.#lists = lists;
  }

  /** Those of them that are there, in their order. */
  favourites = $derived.by<FavouriteView[]>(() =>
    (this.#lists.snapshot?.favourites ?? []).filter(({ name }) => this.#names.has(name)),
  );

  has(name: ProfileName): boolean {
    return this.#names.has(name);
  }

  toggle(name: ProfileName): void {
    if (!this.#names.delete(name)) this.#names.add(name);
  }

  clear(): void {
    this.#names.clear();
  }
}

/** Whether more time can be asked for. */
export const isOpen = ({ state }: FavouriteView): boolean => state === 'open' || state === 'ending';

/** What opens favourites together, or asks for more time for them. What one policy guards is asked for in one request. */
export function requestsForAll(favourites: readonly FavouriteView[], extend: boolean): Request[] {
  const wanted = favourites.filter((favourite) => (extend ? isOpen(favourite) : favourite.state !== 'connecting'));
  const together = { id: Date.now(), many: wanted.length };
  const how = extend ? { launch: false, extends: true } : { launch: true };
  return wanted.map(({ name }) => ({ ask: 'connect', name, ...how, together }));
}
