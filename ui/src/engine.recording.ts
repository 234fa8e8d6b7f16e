// An engine for tests.

import type { Found } from './bindings/Found';
import type { HistoryView } from './bindings/HistoryView';
import type { InheritedView } from './bindings/InheritedView';
import type { Reply } from './bindings/Reply';
import type { Request } from './bindings/Request';
import type { Snapshot } from './bindings/Snapshot';
import type { Engine } from './engine';

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
  /** What was asked about what was opened: the page asks by itself. */
  lookbacks: Request[] = [];
  /** What was opened. */
  history: HistoryView = { openings: [], total: 0, nothing: 'Nothing has been opened yet.', unreadable: null };
  copied: string[] = [];
  closed = 0;
  pages = 0;
  files = 0;
  demos = 0;
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
      return Promise.resolve({ answer: 'inherited', fields: this.inherited });
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
  closeWindow() {
    this.closed += 1;
    return Promise.resolve();
  }
}
