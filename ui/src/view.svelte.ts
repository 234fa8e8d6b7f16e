import { SvelteSet } from 'svelte/reactivity';

import { accountOf, detailOf, goneAccount } from './accounts';
import { Activity } from './activity.svelte';
import type { AccountName } from './bindings/AccountName';
import type { Edited } from './bindings/Edited';
import type { FavouriteView } from './bindings/FavouriteView';
import type { DiagnosisView } from './bindings/DiagnosisView';
import type { Field } from './bindings/Field';
import type { FoundVm } from './bindings/FoundVm';
import type { Inheritable } from './bindings/Inheritable';
import type { Profile } from './bindings/Profile';
import type { Keep } from './bindings/Keep';
import type { ProfileName } from './bindings/ProfileName';
import type { RecentView } from './bindings/RecentView';
import type { Reply } from './bindings/Reply';
import type { Request } from './bindings/Request';
import type { Setting } from './bindings/Setting';
import type { SignInMethod } from './bindings/SignInMethod';
import type { Snapshot } from './bindings/Snapshot';
import type { TeamView } from './bindings/TeamView';
import type { Unused } from './bindings/Unused';
import { announcement } from './announce';
import { actionOf, isQuestion } from './failure';
import { problemFrom, type Engine, type Problem } from './engine';
import { Exchange } from './exchange.svelte';
import type { Protocol } from './bindings/Protocol';
import { isVmId, writtenOf } from './profile';
import { filed, liesIn, type FolderOf } from './folders';
import { History } from './history.svelte';
import { Picked, requestsForAll } from './picked.svelte';
import { search, unmarked, type Match } from './search';
import { favouriteKey, recentKey, sectionsOf, vmKey, wantsMoreTime, windowKey } from './sections';
import type { FailedAttempt, RowKey } from './sections';
import { Signing } from './signing.svelte';
import { Vms } from './vms.svelte';
import { words } from './words';

/** A short message at the foot of the window that leaves by itself. */
export interface Note {
  text: string;
  more?: string;
  trouble?: boolean;
  act?: { label: string; run: () => void };
}

/** What is looked at: favourites and all else that can be opened, what is set, or what was opened. */
type Page = 'lists' | 'accounts' | 'settings' | 'history';

/** What favourites inherit, all or those in the folder of that path. */
export interface Defaults {
  path: string | null;
  said: Inheritable;
}

/** What holds of each field where a favourite says nothing of it, such as “2 hours, from Team/Prod”. */
export type Inherited = Partial<Record<Field, string>> & {
  /** What a new favourite has to say, since its VM alone tells it. */
  says?: Protocol;
};

/** The VM that a favourite leads to, and whether that is a new one. */
export type OfVm = { vm: string; isNew: boolean };

/** The way to a favourite that is looked at, and what was found there, or kept it from being looked at. */
interface Looked {
  name: ProfileName;
  found?: DiagnosisView;
  problem?: Problem;
}

/** What the user says for one time: the address that is theirs, or why they want in. */
interface Said {
  source?: string;
  reason?: string;
}

/** An answer, or what kept it from coming. */
type Answered = { reply: Exclude<Reply, { answer: 'refused' }> } | { problem: Problem };

/** The last snapshot, what is typed and selected, and the requests that the window makes. */
export class View {
  snapshot = $state.raw<Snapshot | null>(null);
  /** Why there is no snapshot. */
  problem = $state.raw<Problem | null>(null);
  query = $state('');
  note = $state.raw<Note | null>(null);
  announced = $state('');
  /** The favourite that the form is open for, or a new one. */
  edited = $state.raw<FavouriteView | 'new' | null>(null);
  /** The favourites that are asked about before their VMs are deallocated. */
  toDeallocate = $state.raw<readonly FavouriteView[] | null>(null);
  /** The way to a favourite that is looked at. */
  looked = $state.raw<Looked | null>(null);
  /** What is looked at. */
  page = $state<Page>('lists');
  /** Whether this Ajar brings an Azure of its own to try it with. */
  hasDemo = $state(false);
  /** The folders that are folded. */
  readonly folded = new SvelteSet<string>();
  #selected = $state<RowKey | null>(null);

  sections = $derived(this.snapshot && sectionsOf(this.snapshot));
  searching = $derived(this.query.trim() !== '');
  /** The favourites as their rows tell of them. */
  favourites = $derived.by<FavouriteView[]>(() => {
    const { favourites = [], accounts = [] } = this.snapshot ?? {};
    return favourites.map((favourite) => ({ ...favourite, detail: detailOf(favourite, accounts) }));
  });
  /** The favourites that fit what is typed; last those that fit by what only the engine knows of their VMs. */
  matches = $derived.by<Match[]>(() => {
    const matches = search(this.query, this.favourites);
    if (!this.searching || this.vms.query !== this.query.trim()) return matches;
    const isShown = (name: ProfileName) => matches.some(({ favourite }) => favourite.name === name);
    const others = this.vms.favourites.flatMap((name) => (isShown(name) ? [] : this.favourites.filter((one) => one.name === name)));
    return [...matches, ...others.map(unmarked)];
  });
  /** The favourites in their folders; what is searched for lies in none. */
  folders = $derived.by<FolderOf<Match>[]>(() =>
    this.searching
      ? [{ path: '', entries: this.matches, count: this.matches.length }]
      : filed(this.matches, ({ favourite }) => favourite.profile.folder).filter(({ path }) => !liesIn(path, this.folded)),
  );
  /** What was opened lately and is no favourite, but for what is open or under way. */
  recents = $derived.by<RecentView[]>(() => {
    const { recents = [], windows = [] } = this.snapshot ?? {};
    const names = [...windows, ...(this.sections?.connecting ?? [])].map(({ name }) => name);
    return this.searching ? [] : recents.filter(({ opens }) => !names.includes(opens.name));
  });
  /** The other VMs that fit; none before it is known which. */
  found = $derived.by<FoundVm[]>(() =>
    this.searching && this.vms.query === this.query.trim() ? this.vms.found : [],
  );
  /** The rows that arrows reach, from the top. */
  rows = $derived.by<RowKey[]>(() => {
    if (this.page === 'history') return this.history.entries.map(({ key }) => key);
    if (this.page !== 'lists') return [];
    return [
      ...(this.searching ? [] : (this.sections?.open ?? []).map(({ window }) => windowKey(window))),
      ...this.folders
        .filter(({ path }) => this.searching || !this.folded.has(path))
        .flatMap(({ entries }) => entries.map(({ favourite }) => favouriteKey(favourite))),
      ...this.recents.map(recentKey),
      ...this.found.map(vmKey),
    ];
  });
  /** The selected row, as long as it is there; in a search the best finding until another is chosen. */
  selected = $derived.by(() => {
    if (this.#selected !== null && this.rows.includes(this.#selected)) return this.#selected;
    return this.searching ? (this.#atAddress ?? this.rows[0] ?? null) : null;
  });
  /** The VM that has just the address that is typed, where a favourite's address may only begin so. */
  #atAddress = $derived.by(() => {
    const address = this.query.trim();
    const has = ({ vm }: FoundVm) => [...vm.privateAddresses, ...vm.publicAddresses].includes(address);
    const found = this.found.find(has);
    return found && vmKey(found);
  });

  readonly picked = new Picked(this);
  readonly signing = new Signing(this);
  readonly vms = new Vms(this);
  readonly history = new History(this);
  readonly exchange: Exchange;
  readonly activity: Activity;
  readonly #engine: Engine;
  /** What was said of each favourite whose attempt is under way or asks for more. */
  readonly #said = new Map<ProfileName, Said>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.exchange = new Exchange(this, engine);
    this.activity = new Activity(this);
  }

  /** Follows the engine until the returned function is called. */
  follow(): () => void {
    let stop: (() => void) | null = null;
    let stopped = false;
    const following = this.#engine.follow((snapshot) => {
      this.announced = announcement(this.snapshot, snapshot, Date.now());
      const before = this.snapshot;
      this.snapshot = snapshot;
      this.problem = null;
      this.#forgetSaid(snapshot);
      this.signing.see(snapshot);
      this.vms.see(before, snapshot);
      this.history.see(before, snapshot);
    });
    const dropping = this.#engine.onDropped(() => void this.exchange.lookAnew());
    this.#engine.hasDemo().then(
      (hasDemo) => (this.hasDemo = hasDemo),
      () => {},
    );
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
      dropping.then(
        (unlisten) => unlisten(),
        () => {},
      );
    };
  }

  select(row: RowKey | null): void {
    this.#selected = row;
  }

  find(query: string): void {
    this.query = query;
    this.#selected = null;
    if (query !== '') this.page = 'lists';
    if (this.searching) this.vms.find(query.trim());
  }

  /** Shows another page, or the lists again. */
  turnTo(page: Page): void {
    this.page = page;
    if (page === 'lists') return;
    this.find('');
    if (page === 'history') void this.history.find('');
    if (page === 'accounts' && !this.snapshot?.host.demo) void this.ask({ ask: 'readAccounts' });
  }

  /** Asks, and hands on what comes. */
  async answerTo(request: Request): Promise<Answered> {
    try {
      const reply = await this.#engine.request(request);
      return reply.answer === 'refused' ? { problem: reply.failure } : { reply };
    } catch (thrown) {
      return { problem: problemFrom(thrown) };
    }
  }

  /** Asks, and hands on what was refused, for the caller to tell: null when all is well. */
  async ask(request: Request): Promise<Problem | null> {
    const answered = await this.answerTo(request);
    return 'problem' in answered ? answered.problem : null;
  }

  async #askOrTell(request: Request): Promise<boolean> {
    const problem = await this.ask(request);
    if (problem) this.tell(problem);
    return problem === null;
  }

  connect(name: ProfileName, said: Said = {}): Promise<boolean> {
    this.#said.set(name, said);
    return this.#askOrTell({ ask: 'connect', name, launch: true, ...said });
  }

  /** Tries again what failed. One question follows another: an answer goes with those before. */
  goOn(failed: FailedAttempt, said: Said = {}): Promise<boolean> {
    const { name } = failed.attempt;
    const all = { ...this.#said.get(name), ...said };
    if (!wantsMoreTime(failed)) return this.connect(name, all);
    return failed.attempt.follows ? this.fromHere(name, all) : this.extend(name, all);
  }

  /** What was said is for one time: the address may be another the next. */
  #forgetSaid({ attempts }: Snapshot): void {
    const goesOn = attempts.filter(({ outcome }) => outcome === null || (outcome.kind === 'failed' && isQuestion(outcome)));
    for (const name of this.#said.keys()) {
      if (!goesOn.some((attempt) => attempt.name === name)) this.#said.delete(name);
    }
  }

  connectRow(row: RowKey): void {
    const name = this.#nameOf(row);
    if (name !== undefined) void this.connect(name);
    const recent = this.recents.find((candidate) => recentKey(candidate) === row);
    const found = recent ?? this.found.find((candidate) => vmKey(candidate) === row);
    if (found) void this.connectFound(found);
  }

  /** Opens the best finding, once it is known: whoever types fast presses Enter before. */
  async connectBest(): Promise<void> {
    const { query } = this;
    await this.vms.answered();
    if (this.query === query && this.selected) this.connectRow(this.selected);
  }

  /** Opens a VM that is no favourite, as it says itself that it is opened. */
  connectFound({ opens: { name, profile } }: Pick<FoundVm, 'opens'>): Promise<boolean> {
    return this.#askOrTell({ ask: 'connect', name, profile, launch: true });
  }

  /** Makes a VM a favourite. */
  async keepFound({ opens: { name, profile } }: Pick<FoundVm, 'opens'>): Promise<void> {
    if (!(await this.#askOrTell({ ask: 'add', name, profile }))) return;
    const undo = () => void this.#askOrTell({ ask: 'remove', name });
    this.note = { text: words.isFavourite(name), act: { label: words.undo, run: undo } };
  }

  /** Asks for more time for what is open. */
  extend(name: ProfileName, said: Said = {}): Promise<boolean> {
    this.#said.set(name, said);
    return this.#askOrTell({ ask: 'connect', name, launch: false, extends: true, ...said });
  }

  /** Asks for access from where this machine is now, for what is open from another address, until the same end. */
  fromHere(name: ProfileName, said: Said = {}): Promise<boolean> {
    this.#said.set(name, said);
    return this.#askOrTell({ ask: 'connect', name, launch: false, extends: true, follows: true, ...said });
  }

  /** Opens several favourites, or asks for more time for those of them that are open. */
  async askForAll(favourites: readonly FavouriteView[], extend: boolean): Promise<void> {
    this.picked.clear();
    await Promise.all(requestsForAll(favourites, extend).map((request) => this.#askOrTell(request)));
  }

  /** Deallocates the VMs of favourites, as was agreed to. */
  async deallocate(favourites: readonly FavouriteView[]): Promise<void> {
    this.toDeallocate = null;
    this.picked.clear();
    await Promise.all(favourites.map(({ name }) => this.#askOrTell({ ask: 'deallocate', name })));
  }

  /** Deallocates a VM that nobody uses any more. */
  deallocateUnused(unused: Unused): Promise<boolean> {
    return this.#askOrTell({ ask: 'deallocateUnused', unused });
  }

  /** Leaves a VM running that nobody uses any more, for an hour or for good. */
  keepRunning(unused: Unused, keep: Keep): Promise<boolean> {
    return this.#askOrTell({ ask: 'keepRunning', unused, keep });
  }

  /** Looks at the whole way to a favourite, and shows what is found as long as nobody has turned away. */
  async troubleshoot(name: ProfileName): Promise<void> {
    const looked: Looked = { name };
    this.looked = looked;
    const answered = await this.answerTo({ ask: 'diagnose', name });
    if (this.looked !== looked) return;
    if ('problem' in answered) this.looked = { name, problem: answered.problem };
    else if (answered.reply.answer === 'diagnosis') this.looked = { name, found: answered.reply.diagnosis };
  }

  /** Picks the favourite of a row, or lets it go. */
  pickRow(row: RowKey): void {
    const favourite = this.snapshot?.favourites.find((candidate) => favouriteKey(candidate) === row);
    if (favourite) this.picked.toggle(favourite.name);
  }

  /** The favourites of a folder and of those within. */
  favouritesIn(path: string): FavouriteView[] {
    const all = filed(this.favourites, ({ profile }) => profile.folder);
    return all.filter((folder) => folder.path === path || liesIn(folder.path, new Set([path]))).flatMap(({ entries }) => entries);
  }

  extendRow(row: RowKey): void {
    const name = this.#nameOf(row);
    if (name !== undefined) void this.extend(name);
  }

  /** The favourite of a row. */
  #nameOf(row: RowKey): ProfileName | undefined {
    const open = this.sections?.open.find((candidate) => windowKey(candidate.window) === row);
    if (open) return open.canConnect ? open.window.name : undefined;
    return this.snapshot?.favourites.find((candidate) => favouriteKey(candidate) === row)?.name;
  }

  /** Folds a folder, or unfolds it. */
  toggleFolder(path: string): void {
    if (!this.folded.delete(path)) this.folded.add(path);
  }

  /** Whether a favourite can be moved among those of its folder. */
  canMove(row: RowKey | null, by: -1 | 1): boolean {
    return this.#moveOf(row, by) !== null;
  }

  /** Moves the favourite of a row up or down among those of its folder. */
  moveRow(row: RowKey | null, by: -1 | 1): void {
    const move = this.#moveOf(row, by);
    if (move) void this.#askOrTell({ ask: 'move', ...move });
  }

  /** Before which favourite it stands then; behind the last of its folder is before whatever comes next. */
  #moveOf(row: RowKey | null, by: -1 | 1): { name: ProfileName; before?: ProfileName } | null {
    if (this.searching) return null;
    const names = (this.snapshot?.favourites ?? []).map(({ name }) => name);
    const isOwn = (match?: Match) => match !== undefined && !match.favourite.ofTeam;
    for (const { entries } of this.folders) {
      const at = entries.findIndex(({ favourite }) => favouriteKey(favourite) === row);
      const [moved, neighbour] = [entries[at]?.favourite.name, entries[at + by]?.favourite.name];
      if (moved === undefined || neighbour === undefined || ![entries[at], entries[at + by]].every(isOwn)) continue;
      const before = by < 0 ? neighbour : names[names.indexOf(neighbour) + 1];
      return before === undefined ? { name: moved } : { name: moved, before };
    }
    return null;
  }

  /** Opens the form for the favourite of a row; a team's is offered to be copied. */
  editRow(row: RowKey | null): void {
    const favourite = this.snapshot?.favourites.find((candidate) => favouriteKey(candidate) === row) ?? null;
    if (!favourite?.ofTeam) {
      this.edited = favourite;
      return;
    }
    const { name, ofTeam } = favourite;
    const act = { label: words.copyToMine, run: () => void this.copyOfTeam(name) };
    this.note = { text: words.isOfTeam(name, ofTeam.team), more: words.isOfTeamMore, act };
  }

  /** Makes a team's favourite one of the user's own. */
  async copyOfTeam(name: ProfileName): Promise<void> {
    const favourites = this.snapshot?.favourites ?? [];
    const taken = new Set(favourites.map((favourite) => favourite.name.toLowerCase()));
    const byTeam = favourites.find((favourite) => favourite.name === name)?.ofTeam?.called ?? name;
    let called = byTeam;
    for (let number = 2; taken.has(called.toLowerCase()); number += 1) called = `${byTeam}-${number}`;
    if (!(await this.#askOrTell({ ask: 'copyOfTeam', name, called }))) return;
    const undo = () => void this.#askOrTell({ ask: 'remove', name: called });
    this.note = { text: words.copiedToMine(called), act: { label: words.undo, run: undo } };
  }

  /** Has a team's favourites be here; what comes of reading its file is in the snapshots. */
  async addTeam(name: string, from: string): Promise<Problem | null> {
    return this.ask({ ask: 'set', setting: { key: 'team', value: { name, from } } });
  }

  /** Has them be here no more. Of an address only a part is known here: the engine knows the way back to it. */
  async removeTeam({ name }: TeamView): Promise<Problem | null> {
    const problem = await this.ask({ ask: 'set', setting: { key: 'team', value: { name, from: null } } });
    const back = () => void this.#askOrTell({ ask: 'bringTeamBack', name });
    const act = { label: words.undo, run: back };
    if (!problem) this.note = { text: words.teamRemoved(name), more: words.teamRemovedMore, act };
    return problem;
  }

  cancel(name: ProfileName): Promise<boolean> {
    return this.#askOrTell({ ask: 'cancel', name });
  }

  dismiss(name: ProfileName): Promise<boolean> {
    return this.#askOrTell({ ask: 'dismiss', name });
  }

  refresh(): Promise<boolean> {
    this.vms.read(true);
    return this.#askOrTell({ ask: 'refresh' });
  }

  add(name: ProfileName, profile: Profile): Promise<Problem | null> {
    return this.ask({ ask: 'add', name, profile });
  }

  /** Changes a favourite, which may get another name; what is refused comes back. */
  async edit(before: FavouriteView, name: ProfileName, profile: Profile): Promise<Problem | null> {
    const rename = name === before.name ? {} : { rename: name };
    const was = writtenOf(before);
    const problem = await this.ask({ ask: 'edit', name: before.name, ...rename, before: was, profile });
    if (problem) return problem;
    this.#tellChanged(name, { what: 'favourite', name: before.name, called: name, before: was, after: profile });
    return null;
  }

  /** Changes a setting, and offers to have it `back`; what is refused comes back. */
  async set(setting: Setting, back: Setting, label: string): Promise<Problem | null> {
    const problem = await this.ask({ ask: 'set', setting });
    if (!problem) this.#tellChanged(label, { what: 'setting', before: back, after: setting });
    return problem;
  }

  /** Writes the application that signs people in. */
  async setClientId(clientId: string | null, before: string | null): Promise<Problem | null> {
    const problem = await this.ask({ ask: 'setClientId', clientId });
    if (!problem) this.#tellChanged(words.applicationId, { what: 'clientId', before, after: clientId });
    return problem;
  }

  /** Changes what favourites inherit, all or those in a folder. */
  async editDefaults({ path, said: before }: Defaults, said: Inheritable): Promise<Problem | null> {
    const where = path === null ? {} : { folder: path };
    const problem = await this.ask({ ask: 'editDefaults', ...where, before, said });
    if (!problem) this.#tellChanged(path ?? words.forAll, { what: 'defaults', ...where, before, after: said });
    return problem;
  }

  #tellChanged(what: string, done: Edited): void {
    const undo = () => void this.#askOrTell({ ask: 'undo', done });
    this.note = { text: words.changed(what), act: { label: words.undo, run: undo } };
  }

  openSettings(): Promise<void> {
    return this.#do(() => this.#engine.openSettings());
  }

  /** What would hold in a folder where only so much is said; nothing where that cannot be told. */
  async inherited(folder: string, said: Inheritable, of: { all: boolean } | OfVm): Promise<Inherited> {
    const where = folder.trim() === '' ? {} : { folder };
    const isOf = 'all' in of ? (of.all ? { ofAll: true } : {}) : { ...(isVmId(of.vm) ? { vm: of.vm.trim() } : {}), ...(of.isNew ? { isNew: true } : {}) };
    const answered = await this.answerTo({ ask: 'inherited', ...where, said, ...isOf });
    if ('problem' in answered || answered.reply.answer !== 'inherited') return {};
    const { fields, protocol } = answered.reply;
    return { ...Object.fromEntries(fields.map(({ field, text }) => [field, text])), ...(protocol ? { says: protocol } : {}) };
  }

  /** Leads to the sign-in that a favourite waits for, and opens it then. */
  signInFor(favourite: FavouriteView, method?: SignInMethod): void {
    const accounts = this.snapshot?.accounts ?? [];
    const account = goneAccount(favourite, accounts) ?? accountOf(favourite, accounts)?.name;
    const cloud = favourite.profile.cloud ?? undefined;
    this.signing.lead({ account, method, cloud, then: favourite.name });
  }

  async remove(name: ProfileName): Promise<void> {
    const favourite = this.snapshot?.favourites.find((candidate) => candidate.name === name);
    if (!favourite || !(await this.#askOrTell({ ask: 'remove', name }))) return;
    // What was removed right before this comes after it, to be undone as well.
    const earlier = this.note?.act?.label === words.undo ? this.note : null;
    const undo = async () => {
      const back = await this.#askOrTell({ ask: 'bringBack', name, profile: writtenOf(favourite) });
      if (back && earlier) this.note = earlier;
    };
    this.note = { text: words.removed(name), act: { label: words.undo, run: () => void undo() } };
  }

  signOut(name: AccountName): Promise<Answered> {
    return this.answerTo({ ask: 'signOut', name });
  }

  /** Has favourites that name no account act as this one. */
  async makeDefault(account: AccountName): Promise<void> {
    const answered = await this.answerTo({ ask: 'setDefaultAccount', account });
    if ('problem' in answered) this.tell(answered.problem);
    else if (answered.reply.answer === 'actsByDefault') this.note = { text: answered.reply.acts };
  }

  /** Has a favourite act as another account, and opens it as that one. */
  async connectAs(name: ProfileName, account: AccountName): Promise<void> {
    if (await this.#askOrTell({ ask: 'actAs', name, account })) await this.connect(name);
  }

  /** Puts the message for who can grant what is missing on the clipboard. */
  async copyMessageForAdministrator(name: ProfileName): Promise<void> {
    const answered = await this.answerTo({ ask: 'rights', name });
    if ('problem' in answered) return this.tell(answered.problem);
    if (answered.reply.answer !== 'rights') return;
    const { message, summary } = answered.reply.rights;
    if (message === null) this.note = { text: summary, more: words.nothingMissing };
    else await this.copy(message, { text: words.messageCopied, more: words.messageCopiedHint });
  }

  copy(text: string, note: Note = { text: words.copied }): Promise<void> {
    return this.#do(() => this.#engine.copyText(text), note);
  }

  openHelp(url: string): Promise<void> {
    return this.#do(() => this.#engine.openHelp(url));
  }

  openSignInPage(): Promise<void> {
    return this.#do(() => this.#engine.openSignInPage());
  }

  startDemo(): Promise<void> {
    return this.#do(() => this.#engine.startDemo(), { text: words.demoStarted, more: words.demoStartedHint });
  }

  closeWindow(): Promise<void> {
    return this.#do(() => this.#engine.closeWindow());
  }

  /** Has the shell do something, and tells that it is done, or why not. */
  async #do(what: () => Promise<void>, done?: Note): Promise<void> {
    try {
      await what();
      if (done) this.note = done;
    } catch (thrown) {
      this.tell(problemFrom(thrown));
    }
  }

  tell(problem: Problem): void {
    this.note = { text: problem.title, more: `${problem.message} ${actionOf(problem)}`, trouble: true };
  }
}
