import type { ReactElement } from "react";
import { HUES } from "../model/identity.ts";
import type { Density, Theme } from "../model/stores.ts";
import { hue, initial } from "../people/looks.ts";
import type { SettingsControl } from "./use-settings.ts";

const HUE_NAMES: Readonly<Record<(typeof HUES)[number], string>> = {
  25: "Red",
  60: "Orange",
  110: "Olive",
  155: "Green",
  195: "Teal",
  235: "Blue",
  285: "Violet",
  335: "Pink",
};

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

const DENSITIES: readonly (readonly [Density, string])[] = [
  ["comfortable", "Comfortable"],
  ["compact", "Compact"],
];

/** Who I am, and how I like it; kept with the account, so that every tab and device shows the same. */
export function SettingsMenu({ settings }: { readonly settings: SettingsControl }): ReactElement {
  const { me, theme, density, setName, setHue, setTheme, setDensity } = settings;
  return (
    <>
      <button type="button" className="me" popoverTarget="settings" aria-label="Your settings">
        <span className="avatar" style={hue(me)} aria-hidden="true">
          {initial(me.name)}
        </span>
      </button>
      <form
        id="settings"
        popover="auto"
        className="settings"
        aria-label="Your settings"
        onSubmit={(event) => event.preventDefault()}
      >
        <label className="field">
          <span>Name</span>
          <input
            value={me.name}
            maxLength={24}
            autoComplete="off"
            onChange={(event) => setName(event.target.value)}
            onBlur={() => me.name.trim() === "" && setName(undefined)}
          />
        </label>
        <fieldset className="field">
          <legend>Colour</legend>
          <div className="swatches">
            {HUES.map((degrees) => (
              <label key={degrees} style={hue({ hue: degrees })}>
                <input
                  type="radio"
                  name="hue"
                  aria-label={HUE_NAMES[degrees]}
                  checked={degrees === me.hue}
                  onChange={() => setHue(degrees)}
                />
              </label>
            ))}
          </div>
        </fieldset>
        <Choice legend="Theme" options={THEMES} value={theme} onChange={setTheme} />
        <Choice legend="Density" options={DENSITIES} value={density} onChange={setDensity} />
        <p className="note">Kept with your account: your other tabs follow at once.</p>
      </form>
    </>
  );
}

interface ChoiceProps<Value extends string> {
  readonly legend: string;
  readonly options: readonly (readonly [Value, string])[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

function Choice<Value extends string>(props: ChoiceProps<Value>): ReactElement {
  const { legend, options, value, onChange } = props;
  return (
    <fieldset className="field">
      <legend>{legend}</legend>
      <div className="segments">
        {options.map(([option, label]) => (
          <label key={option}>
            <input
              type="radio"
              name={legend}
              checked={option === value}
              onChange={() => onChange(option)}
            />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
