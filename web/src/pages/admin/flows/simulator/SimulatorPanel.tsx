import { Alert, Button, Collapse, Input, Switch } from "antd";
import { useEffect, useMemo, useRef, useState } from "react";
import { useMe } from "../../../../api/context";
import { ApiError } from "../../../../api/problem";
import { hasRole } from "../../../../api/session";
import { useWords } from "../../../../i18n/useWords";
import { clock } from "../../../../ui/format";
import { BotPart } from "./BotPart";
import { Keypad } from "./Keypad";
import { actOf, FRESH, MOST_ACTS, needsOf, nodeOn, waiting, type Act, type FlowDocument, type State } from "./session";
import { SettingForm } from "./SettingForm";
import "./simulator.css";
import { reachedName, Transcript } from "./Transcript";
import { useMicrophone } from "./useMicrophone";
import { useSession } from "./useSession";
import { useSound } from "./useSound";
import { fill, named } from "../../../../i18n/places";
import { useSimulatorWords } from "./words";

interface Props {
  /** As it stands on the page; it need not be kept. */
  readonly document: FlowDocument;
  /** The node where the simulated caller is; null: he is nowhere. */
  readonly onVisit: (nodeId: string | null) => void;
}

/** Walks a flow as a caller would, by keys, typed words or the microphone, in the time of the flow. */
export function SimulatorPanel({ document, onVisit }: Props) {
  const words = useSimulatorWords();
  const me = useMe();
  const [setting, setSetting] = useState(FRESH);
  const [loud, setLoud] = useState(false);
  const [ear, setEar] = useState(false);
  const session = useSession(document, setting);
  const { state, act } = session;
  const sound = useSound(loud, state, act);
  const spokeAt = useRef<readonly Act[]>([]);
  const microphone = useMicrophone({
    on: ear && loud,
    state,
    onBegan: () => {
      spokeAt.current = sound.elapsed();
    },
    onSaid: (said) => {
      act(...spokeAt.current, said);
      spokeAt.current = [];
    },
  });
  const needs = useMemo(() => needsOf(document), [document]);
  const node = nodeOn(state);
  useEffect(() => {
    onVisit(node);
  }, [node, onVisit]);
  useEffect(
    () => () => {
      onVisit(null);
    },
    [onVisit],
  );
  const does = (...acts: readonly Act[]) => {
    act(...sound.elapsed(), ...acts);
  };
  const over = state === null || state.outcome !== null || session.acts.length >= MOST_ACTS;
  return (
    <section className="sim" aria-label={words.title}>
      <header className="sim-head">
        <Button type="primary" size="small" onClick={session.begin} loading={session.busy && !session.begun}>
          {session.begun ? words.restart : words.start}
        </Button>
        <label>
          <Switch size="small" checked={loud} onChange={setLoud} /> {words.sound}
        </label>
        <label>
          <Switch size="small" checked={ear && loud} disabled={!loud} onChange={setEar} /> {words.microphone}
        </label>
        <span className="grow" />
        <Save disabled={!session.begun} trial={session.trial} name={typeof document.flow === "string" ? document.flow : "flow"} />
      </header>
      <Collapse
        size="small"
        defaultActiveKey={[]}
        items={[
          {
            key: "setting",
            label: words.setting,
            children: (
              <SettingForm
                setting={setting}
                languages={Array.isArray(document.languages) ? document.languages.map(String) : []}
                needs={needs}
                live={hasRole(me, "supervisor", "admin")}
                onChange={setSetting}
              />
            ),
          },
        ]}
      />
      {session.stale ? (
        <Alert
          type="info"
          showIcon
          title={words.stale}
          action={
            <Button size="small" onClick={session.again}>
              {words.again}
            </Button>
          }
        />
      ) : null}
      <Problems error={session.error ?? sound.error ?? microphone.error} />
      {microphone.problem === null ? null : <Alert type="warning" showIcon role="alert" title={words.noMicrophone[microphone.problem]} />}
      {state === null ? (
        <p className="sim-empty quiet">{words.empty}</p>
      ) : (
        <>
          <Transcript happenings={state.happenings} />
          <Place state={state} listening={microphone.listening} />
        </>
      )}
      <Acts over={over} state={state} loud={loud} act={does} />
      {state === null || state.variables.length === 0 ? null : <Variables variables={state.variables} />}
    </section>
  );
}

interface ActsProps {
  readonly over: boolean;
  readonly state: State | null;
  readonly loud: boolean;
  readonly act: (...acts: readonly Act[]) => void;
}

/** What the caller can do, and who has him when he is handed on. */
function Acts({ over, state, loud, act }: ActsProps) {
  const words = useSimulatorWords();
  const [typed, setTyped] = useState("");
  const due = state?.due_seconds ?? null;
  const handedOn = state?.awaited?.phase === "handed_on";
  const bot = state?.awaited?.bot ?? null;
  return (
    <div className="sim-acts">
      {bot === null ? null : <BotPart bot={bot} disabled={over} act={act} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const done = actOf(typed);
          if (done !== null && !over) {
            act(done);
            setTyped("");
          }
        }}
      >
        <Input
          size="small"
          aria-label={words.input}
          placeholder={words.inputHint}
          maxLength={1000}
          type={state?.awaited?.secret === true ? "password" : "text"}
          autoComplete="off"
          disabled={over}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
          }}
        />
        <Button size="small" htmlType="submit" disabled={over || typed.trim() === ""}>
          {words.send}
        </Button>
      </form>
      <Keypad
        label={words.keypad}
        expected={state?.awaited?.keys ?? []}
        disabled={over}
        loud={loud}
        onKey={(key) => {
          act({ keys: key });
        }}
      />
      <div className="sim-buttons">
        {state?.playing_seconds == null ? null : (
          <Button
            size="small"
            disabled={over}
            onClick={() => {
              act({ listens: true });
            }}
          >
            {words.listen}
          </Button>
        )}
        {due === null || state?.playing_seconds != null ? null : (
          <Button
            size="small"
            disabled={over}
            onClick={() => {
              act(waiting(due));
            }}
          >
            {fill(words.wait, { time: clock(due) })}
          </Button>
        )}
        {handedOn ? (
          <>
            <Button
              size="small"
              disabled={over}
              onClick={() => {
                act({ served: true });
              }}
            >
              {words.served}
            </Button>
            <Button
              size="small"
              disabled={over}
              onClick={() => {
                act({ refused: "unavailable" });
              }}
            >
              {words.refused}
            </Button>
          </>
        ) : null}
        <Button
          size="small"
          danger
          disabled={over}
          onClick={() => {
            act({ hangs_up: true });
          }}
        >
          {words.hangUp}
        </Button>
      </div>
    </div>
  );
}

function Place({ state, listening }: { readonly state: State; readonly listening: boolean }) {
  const words = useSimulatorWords();
  const { awaited } = state;
  const phrases = awaited?.language == null ? null : (awaited.phrases?.slice(0, 20).join(" · ") ?? words.anything);
  return (
    <p className="sim-place" role="status">
      <strong>{state.node}</strong> {clock(state.seconds)}
      {" · "}
      {state.outcome === null ? named(words.phases, awaited?.phase ?? "") : named(words.outcomes, state.outcome)}
      {state.reached === "" ? null : ` · ${reachedName(state.reached, words)}`}
      {phrases === null ? null : ` · ${fill(words.mayBeSaid, { phrases })}`}
      {listening && awaited?.language != null ? ` · ● ${words.listening}` : null}
    </p>
  );
}

function Variables({ variables }: { readonly variables: State["variables"] }) {
  const words = useSimulatorWords();
  return (
    <table className="sim-variables">
      <caption>{words.variables}</caption>
      <tbody>
        {variables.map(({ name, value, secret }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{secret ? <span title={words.secret}>•••</span> : value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Problems({ error }: { readonly error: Error | null }) {
  const words = useWords();
  const mine = useSimulatorWords();
  if (error === null) {
    return null;
  }
  const fields = error instanceof ApiError ? Object.entries(error.fields).slice(0, 10) : [];
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={error instanceof ApiError && error.code === "flow_invalid" ? mine.invalid : words.problem(error)}
      description={
        fields.length === 0 ? undefined : (
          <ul>
            {fields.map(([where, why]) => (
              <li key={where}>
                <code>{where}</code> {why}
              </li>
            ))}
          </ul>
        )
      }
    />
  );
}

function Save({ disabled, trial, name }: { readonly disabled: boolean; readonly trial: () => Promise<Blob>; readonly name: string }) {
  const words = useSimulatorWords();
  const [failed, setFailed] = useState(false);
  const save = () => {
    trial().then(
      (blob) => {
        setFailed(false);
        const link = window.document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = `${name}.trial.yaml`;
        link.click();
        URL.revokeObjectURL(link.href);
      },
      () => {
        setFailed(true);
      },
    );
  };
  return (
    <Button size="small" disabled={disabled} danger={failed} title={words.saveHint} onClick={save}>
      {failed ? words.notSaved : words.save}
    </Button>
  );
}
