import { accountNamed, isInteractive, type SignInAim } from './accounts';
import type { FailureView } from './bindings/FailureView';
import type { SignIn } from './bindings/SignIn';
import type { SignInView } from './bindings/SignInView';
import type { Snapshot } from './bindings/Snapshot';
import type { Problem } from './engine';
import type { View } from './view.svelte';

/** The way to a sign-in: what is asked for, whether the form is open, and the card that tells how it goes. */
export class Signing {
  /** The aim that the form is open for. */
  aim = $state.raw<SignInAim | null>(null);
  #watched = $state<string | null>(null);
  /** The last wish of this window, to make it once more, and the number of its sign-in. */
  #begun: { wish: SignIn; number: number } | null = null;

  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  /** The sign-in to show: one under way, or the end of one that was seen under way. An older one's end is no news. */
  shown = $derived.by<SignInView | null>(() => {
    const snapshot = this.#view.snapshot;
    const signIn = snapshot?.signIn;
    if (!snapshot || !signIn) return null;
    return isUnderWay(signIn) || keyOf(snapshot, signIn) === this.#watched ? signIn : null;
  });

  /** Takes note of what a snapshot tells. */
  see(snapshot: Snapshot): void {
    if (snapshot.signIn && isUnderWay(snapshot.signIn)) this.#watched = keyOf(snapshot, snapshot.signIn);
  }

  /** Leads to a sign-in by as few questions as are open: none where account or application say all that it takes. */
  lead(aim: SignInAim): void {
    const snapshot = this.#view.snapshot;
    const account = snapshot && aim.account !== undefined ? accountNamed(snapshot.accounts, aim.account) : undefined;
    if (account && isInteractive(account.method)) {
      void this.#beginOrTell({ ...aimed(aim), name: account.name, method: aim.method ?? account.method });
    } else if (snapshot?.signInWays.clientId) {
      void this.#beginOrTell({ ...aimed(aim), method: 'browser' });
    } else {
      // What another program signs in is no account that the form could sign in to.
      this.openForm({ ...aim, account: undefined });
    }
  }

  openForm(aim: SignInAim = {}): void {
    this.aim = aim;
    void this.#view.ask({ ask: 'readAccounts' });
  }

  closeForm(): void {
    this.aim = null;
  }

  /** Begins a sign-in; what is refused comes back. */
  async begin(wish: SignIn): Promise<Problem | null> {
    const answered = await this.#view.answerTo({ ask: 'signIn', ...wish });
    if ('problem' in answered) return answered.problem;
    if (answered.reply.answer === 'signingIn') this.#begun = { wish, number: answered.reply.number };
    return null;
  }

  async #beginOrTell(wish: SignIn): Promise<void> {
    const problem = await this.begin(wish);
    if (problem) this.#view.tell(problem);
  }

  /** The sign-in that failed once more, by another way if that is why it failed. */
  again(signIn: SignInView, failure: FailureView): void {
    const begun = this.#begun?.number === signIn.number ? this.#begun.wish : null;
    const account = begun?.name ?? signIn.account ?? undefined;
    const aim = { account, then: begun?.then };
    if (failure.code === 'noClientId' || failure.code === 'clientUnknown') {
      this.openForm(aim);
    } else if (begun) {
      void this.#beginOrTell({ ...begun, method: failure.code === 'conditionalAccess' ? 'browser' : begun.method });
    } else {
      this.lead(aim);
    }
  }

  /** Gives the sign-in under way up, or puts away what came of it. */
  async leave(): Promise<void> {
    this.#watched = null;
    const problem = await this.#view.ask({ ask: 'cancelSignIn' });
    if (problem) this.#view.tell(problem);
  }
}

function isUnderWay({ stage }: SignInView): boolean {
  return stage.kind === 'beginning' || stage.kind === 'browser' || stage.kind === 'deviceCode';
}

/** A new host counts from one again. */
function keyOf({ host }: Snapshot, { number }: SignInView): string {
  return `${host.pid}:${number}`;
}

function aimed({ then }: SignInAim): Pick<SignIn, 'then'> {
  return then === undefined ? {} : { then };
}
