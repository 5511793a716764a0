import { isTree, wordsOf } from "../document";
import type { Differences } from "../useFlows";
import { named } from "../../../../i18n/places";
import { fieldPath, useFlowWords } from "../words";

/** What one document of a flow has that the other has not, node by node. */
export function DifferenceList({ found }: { readonly found: Differences }) {
  const words = useFlowWords();
  const nothing = found.added.length + found.removed.length + found.changed.length + found.fields.length === 0;
  if (nothing) {
    return <p className="quiet">{words.publish.none}</p>;
  }
  return (
    <ul className="flow-differences">
      {found.added.map(({ node, kind }) => (
        <li key={`+${node}`} className="added">
          <span>＋ {words.publish.added}</span> <b>{node}</b> <span className="quiet">{named(words.kinds, kind)}</span>
        </li>
      ))}
      {found.removed.map(({ node, kind }) => (
        <li key={`-${node}`} className="removed">
          <span>－ {words.publish.removed}</span> <b>{node}</b> <span className="quiet">{named(words.kinds, kind)}</span>
        </li>
      ))}
      {found.changed.map(({ node, kind, fields }) => (
        <li key={node}>
          <span>△ {words.publish.changed}</span> <b>{node}</b> <span className="quiet">{named(words.kinds, kind)}</span>
          <Fields fields={fields} />
        </li>
      ))}
      {found.fields.length === 0 ? null : (
        <li>
          <span>△ {words.publish.flow}</span>
          <Fields fields={found.fields} />
        </li>
      )}
    </ul>
  );
}

function Fields({ fields }: { readonly fields: Differences["fields"] }) {
  const words = useFlowWords();
  return (
    <dl>
      {fields.map(({ path, before, after }) => (
        <div key={path}>
          <dt className="quiet">{fieldPath(words, path)}</dt>
          <dd>
            {before === null ? null : <del>{shown(path, before)}</del>}
            {after === null ? null : <ins>{shown(path, after)}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Prompts as their words, recordings by the beginning of their contents' hashes, all else as it stands. */
function shown(path: string, value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  if (path === "recordings" && isTree(value)) {
    const contents = Object.entries(value).flatMap(([name, of]) => Object.entries(isTree(of) ? of : {}).map(([language, hash]) => [name, language, String(hash).slice(0, 8)]));
    return contents.map((one) => one.join(" ")).join(", ");
  }
  const words = Array.isArray(value) && value.every(isPart) ? wordsOf({ of: value }, "of") : "";
  return words === "" ? JSON.stringify(value) : words;
}

/** A part of a prompt, and no other thing in a list: one reading with its text. */
function isPart(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 1 && Object.values(value).every((text) => typeof text === "string");
}
