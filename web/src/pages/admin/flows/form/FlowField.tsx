import { FieldFrame } from "../../settings/FieldFrame";
import type { Field } from "../schema";
import { named } from "../../../../i18n/places";
import { useFlowWords, useHints } from "../words";
import { useForm } from "./context";
import { ShapeControl } from "./ShapeControl";

interface Props {
  readonly field: Field;
  readonly value: unknown;
  /** Where it is below the node. */
  readonly path: string;
  readonly onChange: (value: unknown) => void;
}

/** A field of a node, or of a part of one: its name, its control, and what the server has against it. */
export function FlowField({ field, value, path, onChange }: Props) {
  const words = useFlowWords();
  const hints = useHints();
  const hint = field.shape.type === "node" ? undefined : hints(field); // an exit says it by its name
  const { problems } = useForm();
  const label = named(words.fields, field.name);
  return (
    <FieldFrame name={path} label={field.required ? `${label} *` : label} hint={hint} problem={problems[path]}>
      {(aria) => <ShapeControl shape={field.shape} aria={aria} label={label} value={value} fallback={field.fallback} path={path} onChange={onChange} />}
    </FieldFrame>
  );
}
