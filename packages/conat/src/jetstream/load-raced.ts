/** What was loaded does not fit together: the store changed meanwhile, or a replica lags. Loading again helps. */
export class LoadRaced extends Error {
  override readonly name = "LoadRaced";

  constructor() {
    super("the store changed while it was loaded");
  }
}
