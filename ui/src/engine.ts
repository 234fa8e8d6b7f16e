// The boundary to the shell: everything the window hears from the engine and asks of it.

import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type { ImportChoice } from './bindings/ImportChoice';
import type { ImportedView } from './bindings/ImportedView';
import type { ImportView } from './bindings/ImportView';
import type { Reply } from './bindings/Reply';
import type { Request } from './bindings/Request';
import type { Snapshot } from './bindings/Snapshot';
import { words } from './words';

/** What went wrong, in the engine's words. A `FailureView` is one too. */
export interface Problem {
  code: string;
  title: string;
  message: string;
  action: string;
  actionInWindow?: string | null;
  helpUrl: string | null;
}

export interface Engine {
  /** Hands on the state as it is and each one that follows, until the returned function is called. */
  follow(see: (snapshot: Snapshot) => void): Promise<() => void>;
  request(request: Request): Promise<Reply>;
  copyText(text: string): Promise<void>;
  openHelp(url: string): Promise<void>;
  /** Opens the page of the sign-in under way, whose address the shell has from the engine. */
  openSignInPage(): Promise<void>;
  /** Opens the settings file in whatever edits it. */
  openSettings(): Promise<void>;
  /** Whether `startDemo` can be asked for. */
  hasDemo(): Promise<boolean>;
  /** Starts another Ajar, on its built-in Azure. */
  startDemo(): Promise<void>;
  /** Has somebody choose files to take favourites in from; whether they did. */
  chooseImport(): Promise<boolean>;
  /** What taking in the files that were chosen, or dropped, would do. */
  lookAtImport(personal: boolean): Promise<ImportView>;
  /** Takes in what was looked at. */
  takeIn(choices: ImportChoice[]): Promise<ImportedView>;
  /** Writes the favourites into a file that somebody chooses; what there is to say of it, if somebody has. */
  exportFavourites(): Promise<string | null>;
  /** Tells each time that files are dropped onto the window, until the returned function is called. */
  onDropped(see: () => void): Promise<() => void>;
  closeWindow(): Promise<void>;
}

export const tauriEngine: Engine = {
  async follow(see) {
    let changed = false;
    const stop = await listen<Snapshot>('snapshot', ({ payload }) => {
      changed = true;
      see(payload);
    });
    try {
      const first = await invoke<Snapshot>('snapshot');
      if (!changed) see(first);
    } catch (thrown) {
      stop();
      throw thrown;
    }
    return stop;
  },
  request: (request) => invoke<Reply>('request', { request }),
  copyText: (text) => invoke('copy_text', { text }),
  openHelp: (url) => invoke('open_help', { url }),
  openSignInPage: () => invoke('open_sign_in_page'),
  openSettings: () => invoke('open_settings'),
  hasDemo: () => invoke<boolean>('has_demo'),
  startDemo: () => invoke('start_demo'),
  chooseImport: () => invoke<boolean>('choose_import'),
  lookAtImport: (personal) => invoke<ImportView>('look_at_import', { personal }),
  takeIn: (choices) => invoke<ImportedView>('take_in', { choices }),
  exportFavourites: () => invoke<string | null>('export_favourites'),
  onDropped: (see) => listen('dropped', see),
  closeWindow: () => invoke('close_window'),
};

/** The problem that a rejected call carries; anything else means that the shell itself did not answer. */
export function problemFrom(thrown: unknown): Problem {
  if (typeof thrown === 'object' && thrown !== null && 'title' in thrown && 'code' in thrown) {
    return thrown as Problem;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'noAnswer', title: words.engineSilent, message, action: words.engineSilentAction, helpUrl: null };
}
