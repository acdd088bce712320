import { Component, type ReactNode } from "react";

/** Shows what is thrown to it: the kind of a `ConatError`, the message of another. */
export class Boundary extends Component<{ readonly children: ReactNode }> {
  override state: { readonly error?: Error } = {};
  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }
  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return <p>caught {"kind" in error ? String(error.kind) : error.message}</p>;
  }
}
