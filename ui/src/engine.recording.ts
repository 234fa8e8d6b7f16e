// An engine for tests.

import type { FailureView } from './bindings/FailureView';
import type { Found } from './bindings/Found';
import type { HistoryView } from './bindings/HistoryView';
import type { ImportChoice } from './bindings/ImportChoice';
import type { ImportedView } from './bindings/ImportedView';
import type { ImportView } from './bindings/ImportView';
import type { Protocol } from './bindings/Protocol';
import type { InheritedView } from './bindings/InheritedView';
import type { Reply } from './bindings/Reply';
import type { Request } from './bindings/Request';
import type { Snapshot } from './bindings/Snapshot';
import type { Engine } from './engine';
import { failure } from './fixtures/build';

/** Remembers what was asked and answers as told. */
export class RecordingEngine implements Engine {
  requests: Request[] = [];
  /** What was asked about all VMs, apart from the rest: the window asks by itself. */
  lookups: Request[] = [];
  /** What is found of them. */
  vms: Found = { vms: [], total: 0, favourites: [] };
  /** Whether nothing is answered about them. */
  silent = false;
  /** What was asked about what a favourite would inherit: the form asks by itself. */
  inheriting: Request[] = [];
  /** What it would inherit. */
  inherited: InheritedView[] = [];
  /** What a new one would have to say. */
  says: Protocol | undefined;
  /** What was asked about what was opened: the page asks by itself. */
  lookbacks: Request[] = [];
  /** What was opened. */
  history: HistoryView = { openings: [], total: 0, nothing: 'Nothing has been opened yet.', unreadable: null };
  copied: string[] = [];
  closed = 0;
  pages = 0;
  files = 0;
  demos = 0;
  /** Whether files are chosen, what they say or why they cannot be read, and how that was asked. */
  chooses = true;
  import: ((personal: boolean) => ImportView) | FailureView = failure('fileUnfit');
  looks: boolean[] = [];
  imported: ImportedView | FailureView = { text: 'There is nothing new to take in.', added: [], changed: [], undo: null };
  taken: ImportChoice[][] = [];
  exported: string | null = null;
  /** Drops files onto the window. */
  drop: () => void = () => {};
  /** What is answered; a promise for an answer that is waited for. */
  reply: Reply | Promise<Reply> = { answer: 'done' };
  see: (snapshot: Snapshot) => void = () => {};

  constructor(readonly first: Snapshot) {}

  follow(see: (snapshot: Snapshot) => void) {
    this.see = see;
    see(this.first);
    return Promise.resolve(() => {});
  }
  request(request: Request): Promise<Reply> {
    if (request.ask === 'readInventory' || request.ask === 'findVms') {
      this.lookups.push(request);
      if (this.silent) return Promise.reject(new Error('gone'));
      return Promise.resolve(request.ask === 'findVms' ? { answer: 'vms', found: this.vms } : { answer: 'done' });
    }
    if (request.ask === 'inherited') {
      this.inheriting.push(request);
      return Promise.resolve({ answer: 'inherited', fields: this.inherited, ...(this.says ? { protocol: this.says } : {}) });
    }
    if (request.ask === 'history') {
      this.lookbacks.push(request);
      return Promise.resolve({ answer: 'history', history: this.history });
    }
    this.requests.push(request);
    return Promise.resolve(this.reply);
  }
  /** Has whatever is asked from now on wait, until the returned function answers it. */
  hold(): (reply: Reply) => Promise<void> {
    let answer: (reply: Reply) => void;
    this.reply = new Promise((resolve) => (answer = resolve));
    return async (reply) => {
      answer(reply);
      // A turn of the loop: whoever waited for it has gone on.
      await new Promise((turn) => setTimeout(turn));
    };
  }
  copyText(text: string) {
    this.copied.push(text);
    return Promise.resolve();
  }
  openHelp() {
    return Promise.resolve();
  }
  openSignInPage() {
    this.pages += 1;
    return Promise.resolve();
  }
  openSettings() {
    this.files += 1;
    return Promise.resolve();
  }
  hasDemo() {
    return Promise.resolve(true);
  }
  startDemo() {
    this.demos += 1;
    return Promise.resolve();
  }
  chooseImport() {
    return Promise.resolve(this.chooses);
  }
  async lookAtImport(personal: boolean) {
    this.looks.push(personal);
    if (typeof this.import !== 'function') throw this.import;
    return Promise.resolve(this.import(personal));
  }
  async takeIn(choices: ImportChoice[]) {
    this.taken.push(choices);
    if ('code' in this.imported) throw this.imported;
    return Promise.resolve(this.imported);
  }
  exportFavourites() {
    return Promise.resolve(this.exported);
  }
  onDropped(see: () => void) {
    this.drop = see;
    return Promise.resolve(() => (this.drop = () => {}));
  }
  closeWindow() {
    this.closed += 1;
    return Promise.resolve();
  }
}
