import type { DKV } from "@conat/conat";
import { useDKVKey } from "@conat/frontend-hooks";
import { useEffect, useMemo } from "react";
import { useWatched } from "../health/use-watched.ts";
import { firstLooks } from "../model/identity.ts";
import {
  type Density,
  type Person,
  type Settings,
  settingsStore,
  type Theme,
} from "../model/stores.ts";

export interface SettingsControl {
  readonly me: Person;
  readonly theme: Theme;
  readonly density: Density;
  /** Without a name the account has its first one again. */
  readonly setName: (name: string | undefined) => void;
  readonly setHue: (hue: number) => void;
  readonly setTheme: (theme: Theme) => void;
  readonly setDensity: (density: Density) => void;
}

/** Looks of the last visit, so that a page does not change its colours while it loads. */
const LOOKS_KEY = "conat-workspace-looks";

/** What the account has chosen: every tab of it shows the same, and follows at once. */
export function useSettings(account: string): SettingsControl {
  const options = settingsStore(account);
  const first = firstLooks(account);
  const [name, setName, { store }] = useDKVKey(options, "name", first.name);
  const [hue, setHue] = useDKVKey(options, "hue", first.hue);
  const [savedTheme, setTheme] = useDKVKey(options, "theme");
  const [savedDensity, setDensity] = useDKVKey(options, "density");
  useWatched(store as DKV | undefined, { label: "Settings" });
  const last = useMemo(() => lastLooks(account), [account]);
  const theme = savedTheme ?? (store === undefined ? last.theme : "system");
  const density = savedDensity ?? (store === undefined ? last.density : "comfortable");
  useEffect(() => {
    const { dataset } = document.documentElement;
    dataset.theme = theme;
    dataset.density = density;
    localStorage.setItem(LOOKS_KEY, JSON.stringify({ account, theme, density }));
  }, [account, theme, density]);
  const me = useMemo(() => ({ id: account, name, hue }), [account, name, hue]);
  return { me, theme, density, setName, setHue, setTheme, setDensity };
}

function lastLooks(account: string): Pick<Settings, "theme" | "density"> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(LOOKS_KEY) ?? "");
    if (
      typeof stored === "object" &&
      stored !== null &&
      Reflect.get(stored, "account") === account
    ) {
      const theme = Reflect.get(stored, "theme");
      return {
        theme: theme === "light" || theme === "dark" ? theme : "system",
        density: Reflect.get(stored, "density") === "compact" ? "compact" : "comfortable",
      };
    }
  } catch {
    // Nothing was stored, or something else was.
  }
  return { theme: "system", density: "comfortable" };
}
