import { Input, Segmented, Select, Switch } from "antd";
import { useId, type ReactNode } from "react";
import { AS_PUBLISHED, NO_ROW, type FlowStub, type Hours, type Needs, type QueryStub, type Setting } from "./session";
import { fill } from "../../../../i18n/places";
import { useSimulatorWords } from "./words";

interface Props {
  readonly setting: Setting;
  readonly languages: readonly string[];
  readonly needs: Needs;
  /** Whether this user may ask real data sources. */
  readonly live: boolean;
  readonly onChange: (setting: Setting) => void;
}

/** What the simulated call finds: who calls, when, and what the centre answers. */
export function SettingForm({ setting, languages, needs: { queries, calendars, subFlows, bots }, live, onChange }: Props) {
  const words = useSimulatorWords();
  const give = (part: Partial<Setting>) => {
    onChange({ ...setting, ...part });
  };
  return (
    <div className="sim-setting">
      <Labelled label={words.caller}>
        {(id) => (
          <Input
            id={id}
            size="small"
            maxLength={64}
            value={setting.caller}
            onChange={(event) => {
              give({ caller: event.target.value });
            }}
          />
        )}
      </Labelled>
      <Labelled label={words.dialled}>
        {(id) => (
          <Input
            id={id}
            size="small"
            maxLength={64}
            value={setting.dialled}
            onChange={(event) => {
              give({ dialled: event.target.value });
            }}
          />
        )}
      </Labelled>
      <Labelled label={words.language}>
        {(id) => (
          <Select
            id={id}
            size="small"
            value={setting.language}
            options={["", ...languages].map((value) => ({ value, label: value === "" ? words.notChosen : value }))}
            onChange={(language) => {
              give({ language });
            }}
          />
        )}
      </Labelled>
      <Labelled label={words.at}>
        {(id) => (
          <Input
            id={id}
            size="small"
            type="datetime-local"
            value={setting.at}
            onChange={(event) => {
              give({ at: event.target.value });
            }}
          />
        )}
      </Labelled>
      <Labelled label={words.recogniser}>
        {(id) => (
          <Switch
            id={id}
            size="small"
            checked={setting.recogniser}
            onChange={(recogniser) => {
              give({ recogniser });
            }}
          />
        )}
      </Labelled>
      {bots ? (
        <Labelled label={words.bots}>
          {(id) => (
            <Switch
              id={id}
              size="small"
              checked={setting.bots}
              onChange={(there) => {
                give({ bots: there });
              }}
            />
          )}
        </Labelled>
      ) : null}
      {calendars.map((calendar) => (
        <Labelled key={calendar} label={fill(words.calendar, { name: calendar })}>
          {() => (
            <Segmented<Hours>
              size="small"
              aria-label={calendar}
              value={setting.calendars[calendar] ?? "own"}
              options={(["own", "open", "closed"] as const).map((value) => ({ value, label: words.hours[value] }))}
              onChange={(hours) => {
                give({ calendars: { ...setting.calendars, [calendar]: hours } });
              }}
            />
          )}
        </Labelled>
      ))}
      {Object.entries(subFlows).map(([name, results]) => (
        <SubFlow
          key={name}
          name={name}
          results={results}
          stub={setting.subFlows[name] ?? AS_PUBLISHED}
          onChange={(stub) => {
            give({ subFlows: { ...setting.subFlows, [name]: stub } });
          }}
        />
      ))}
      {Object.entries(queries).map(([name, columns]) => (
        <Query
          key={name}
          name={name}
          columns={columns}
          stub={setting.queries[name] ?? NO_ROW}
          live={live}
          onChange={(stub) => {
            give({ queries: { ...setting.queries, [name]: stub } });
          }}
        />
      ))}
    </div>
  );
}

interface QueryProps {
  readonly name: string;
  readonly columns: readonly string[];
  readonly stub: QueryStub;
  readonly live: boolean;
  readonly onChange: (stub: QueryStub) => void;
}

function Query({ name, columns, stub, live, onChange }: QueryProps) {
  const words = useSimulatorWords();
  return (
    <fieldset className="sim-query">
      <legend>{fill(words.query, { name })}</legend>
      <Segmented<QueryStub["gives"]>
        size="small"
        aria-label={name}
        value={stub.gives}
        options={(["row", "none", "failure", "source"] as const).map((value) => ({
          value,
          label: words.gives[value],
          disabled: value === "source" && !live,
        }))}
        onChange={(gives) => {
          onChange({ ...stub, gives });
        }}
      />
      {stub.gives === "source" ? <p className="quiet">{words.sourceHint}</p> : null}
      {stub.gives === "row" ? (
        <Values
          names={columns}
          values={stub.row}
          onChange={(row) => {
            onChange({ ...stub, row });
          }}
        />
      ) : null}
    </fieldset>
  );
}

interface SubFlowProps {
  readonly name: string;
  readonly results: readonly string[];
  readonly stub: FlowStub;
  readonly onChange: (stub: FlowStub) => void;
}

function SubFlow({ name, results, stub, onChange }: SubFlowProps) {
  const words = useSimulatorWords();
  return (
    <fieldset className="sim-query">
      <legend>{fill(words.subFlow, { name })}</legend>
      <Segmented<FlowStub["runs"]>
        size="small"
        aria-label={name}
        value={stub.runs}
        options={(["published", "results", "gone"] as const).map((value) => ({ value, label: words.runs[value] }))}
        onChange={(runs) => {
          onChange({ ...stub, runs });
        }}
      />
      {stub.runs === "results" ? (
        <Values
          names={results}
          values={stub.results}
          onChange={(given) => {
            onChange({ ...stub, results: given });
          }}
        />
      ) : null}
    </fieldset>
  );
}

interface ValuesProps {
  readonly names: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  readonly onChange: (values: Readonly<Record<string, string>>) => void;
}

function Values({ names, values, onChange }: ValuesProps) {
  return names.map((name) => (
    <Labelled key={name} label={name}>
      {(id) => (
        <Input
          id={id}
          size="small"
          maxLength={200}
          value={values[name] ?? ""}
          onChange={(event) => {
            onChange({ ...values, [name]: event.target.value });
          }}
        />
      )}
    </Labelled>
  ));
}

function Labelled({ label, children }: { readonly label: string; readonly children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="sim-labelled">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}
