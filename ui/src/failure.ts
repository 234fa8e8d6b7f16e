/** The right that an account lacks, such as `Microsoft.Compute/virtualMachines/start/action`, if the details name one. */
export function missingAction(details: string): string | null {
  return /\bMicrosoft\.[A-Za-z]+(?:\/[A-Za-z]+)+\/(?:action|read|write)\b/.exec(details)?.[0] ?? null;
}
