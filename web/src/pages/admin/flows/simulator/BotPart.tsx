import { Button, Input } from "antd";
import { useState } from "react";
import { fill } from "../../../../i18n/places";
import type { Act, State } from "./session";
import { useSimulatorWords } from "./words";

interface Props {
  readonly bot: NonNullable<NonNullable<State["awaited"]>["bot"]>;
  readonly disabled: boolean;
  readonly act: (act: Act) => void;
}

/** Who tries a flow plays its voice bot: what it says, to whom it hands the caller over, how it ends. */
export function BotPart({ bot: { bot, transfers, variables }, disabled, act }: Props) {
  const words = useSimulatorWords();
  const [text, setText] = useState("");
  const [outcome, setOutcome] = useState("");
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  return (
    <fieldset className="sim-query">
      <legend>{fill(words.bot.title, { bot })}</legend>
      <form
        className="sim-row"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "" && !disabled) {
            act({ bot: { says: text.trim(), variables: {} } });
            setText("");
          }
        }}
      >
        <Input
          size="small"
          aria-label={words.bot.text}
          placeholder={words.bot.text}
          maxLength={1000}
          disabled={disabled}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
          }}
        />
        <Button size="small" htmlType="submit" disabled={disabled || text.trim() === ""}>
          {words.bot.says}
        </Button>
      </form>
      {variables.map((name) => (
        <Input
          key={name}
          size="small"
          prefix={<span className="quiet">{name} =</span>}
          aria-label={fill(words.bot.variable, { name })}
          maxLength={1000}
          disabled={disabled}
          value={values[name] ?? ""}
          onChange={(event) => {
            setValues({ ...values, [name]: event.target.value });
          }}
        />
      ))}
      <div className="sim-row">
        <Input
          size="small"
          aria-label={words.bot.outcome}
          placeholder={words.bot.outcome}
          maxLength={64}
          disabled={disabled}
          value={outcome}
          onChange={(event) => {
            setOutcome(event.target.value);
          }}
        />
        <Button
          size="small"
          disabled={disabled}
          onClick={() => {
            act({ bot: { ends: outcome.trim(), variables: given } });
          }}
        >
          {words.bot.ends}
        </Button>
      </div>
      <div className="sim-buttons">
        {transfers.map((to) => (
          <Button
            key={to}
            size="small"
            disabled={disabled}
            onClick={() => {
              act({ bot: { transfers: to, variables: given } });
            }}
          >
            {fill(words.bot.transfers, { to })}
          </Button>
        ))}
        <Button
          size="small"
          danger
          disabled={disabled}
          onClick={() => {
            act({ bot: { fails: true, variables: {} } });
          }}
        >
          {words.bot.fails}
        </Button>
      </div>
    </fieldset>
  );
}
