// Favourites in their folders.

/** What lies in a folder; `path` is empty for what lies in none. */
export interface FolderOf<T> {
  path: string;
  entries: T[];
  /** How many lie in it, those in the folders within counted, too. */
  count: number;
}

/** The folders that a text such as “Team/Prod” names, the outermost first. */
export const folderNames = (folder: string) =>
  folder
    .split('/')
    .map((name) => name.trim())
    .filter(Boolean);

/** The folders that have something in them, each before those within, all in the order in which they come up. */
export function filed<T>(things: readonly T[], folderOf: (thing: T) => string | null | undefined): FolderOf<T>[] {
  const root: Node<T> = { path: '', entries: [], folders: [] };
  for (const thing of things) {
    let node = root;
    for (const name of folderNames(folderOf(thing) ?? '')) node = within(node, name);
    node.entries.push(thing);
  }
  return allOf(root);
}

interface Node<T> extends Omit<FolderOf<T>, 'count'> {
  folders: Node<T>[];
}

function within<T>(node: Node<T>, name: string): Node<T> {
  const path = node.path === '' ? name : `${node.path}/${name}`;
  const known = node.folders.find((folder) => folder.path === path);
  if (known) return known;
  const folder: Node<T> = { path, entries: [], folders: [] };
  node.folders.push(folder);
  return folder;
}

function allOf<T>(node: Node<T>): FolderOf<T>[] {
  const { path, entries, folders } = node;
  return [...(entries.length > 0 ? [{ path, entries, count: countOf(node) }] : []), ...folders.flatMap(allOf)];
}

function countOf<T>({ entries, folders }: Node<T>): number {
  return folders.reduce((count, folder) => count + countOf(folder), entries.length);
}

/** Whether a folder lies in one of these. */
export function liesIn(path: string, folders: ReadonlySet<string>): boolean {
  return [...folders].some((folder) => path.startsWith(`${folder}/`));
}
