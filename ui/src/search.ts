// Finding a favourite by what one remembers of its name.

import type { FavouriteView } from './bindings/FavouriteView';

/** A stretch of text, and whether it is what was typed. */
export interface Segment {
  text: string;
  hit: boolean;
}

export interface Match {
  favourite: FavouriteView;
  name: Segment[];
  detail: Segment[];
}

/** The favourites that fit all words of the query, best first; equals stay in the user's order. */
export function search(query: string, favourites: FavouriteView[]): Match[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return favourites
    .map((favourite) => ({ ...matchAll(words, favourite), favourite }))
    .filter((match) => match.score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ favourite, name, detail }) => ({
      favourite,
      name: segments(favourite.name, name),
      detail: segments(favourite.detail, detail),
    }));
}

/** A favourite that fits by what is not shown of it. */
export function unmarked(favourite: FavouriteView): Match {
  return { favourite, name: segments(favourite.name, new Set()), detail: segments(favourite.detail, new Set()) };
}

/** A text with what was typed marked in it, word by word where it fits best. */
export function marked(query: string, text: string): Segment[] {
  const places = query
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((word) => bestPlaces(word, text)?.places ?? []);
  return segments(text, new Set(places));
}

interface Found {
  score: number;
  name: Set<number>;
  detail: Set<number>;
}

/** A name counts for more than what stands beside it, even where it fits loosely; a whole name for most. */
const IN_NAME = 100;
const WHOLE_NAME = 1000;

function matchAll(words: string[], favourite: FavouriteView): Found {
  const found: Found = { score: 1, name: new Set(), detail: new Set() };
  for (const word of words) {
    const inName = bestPlaces(word, favourite.name);
    const inDetail = favourite.detail.toLowerCase().indexOf(word);
    if (inName) {
      found.score += (word === favourite.name.toLowerCase() ? WHOLE_NAME : IN_NAME) + inName.score;
      inName.places.forEach((place) => found.name.add(place));
    } else if (inDetail >= 0) {
      found.score += word.length;
      for (let place = inDetail; place < inDetail + word.length; place++) found.detail.add(place);
    } else if (
      [favourite.vmName, favourite.resourceGroup, favourite.profile.folder].some((text) =>
        text?.toLowerCase().includes(word),
      )
    ) {
      found.score += word.length;
    } else {
      return { ...found, score: 0 };
    }
  }
  return found;
}

interface Places {
  score: number;
  places: number[];
}

/** The letters of `word` in `text`, in order, where they fit best: together, and at the beginnings of its parts. */
function bestPlaces(word: string, text: string): Places | null {
  const letters = text.toLowerCase();
  let row: (Places | null)[] = [];
  for (let w = 0; w < word.length; w++) {
    const next: (Places | null)[] = [];
    let before: Places | null = null;
    for (let t = 0; t < letters.length; t++) {
      const adjoining: Places | null = row[t - 1] ?? null;
      const apart: Places | null = before;
      if (adjoining && (!before || adjoining.score > before.score)) before = adjoining;
      if (letters[t] !== word[w]) {
        next.push(null);
        continue;
      }
      const own = 1 + beginning(text, t);
      if (w === 0) next.push({ score: own, places: [t] });
      else next.push(better(extend(adjoining, t, own + 6), extend(apart, t, own)));
    }
    row = next;
  }
  return row.reduce(better, null);
}

function extend(places: Places | null, at: number, score: number): Places | null {
  return places && { score: places.score + score, places: [...places.places, at] };
}

function better(a: Places | null, b: Places | null): Places | null {
  if (!a || !b) return a ?? b;
  return b.score > a.score ? b : a;
}

function beginning(text: string, at: number): number {
  if (at === 0) return 5;
  return /[^a-z0-9]/i.test(text.charAt(at - 1)) ? 3 : 0;
}

function segments(text: string, hits: Set<number>): Segment[] {
  const parts: Segment[] = [];
  [...text].forEach((letter, at) => {
    const hit = hits.has(at);
    const last = parts.at(-1);
    if (last?.hit === hit) last.text += letter;
    else parts.push({ text: letter, hit });
  });
  return parts;
}
