import { Button, Modal } from "antd";
import { differing } from "../document";
import { useFlowWords } from "../words";
import type { Editor } from "./useEditor";

const SHOWN = 12;

/** Two people edited the same draft: whose stays is asked, never guessed. */
export function ConflictDialog({ editor }: { readonly editor: Editor }) {
  const words = useFlowWords();
  const theirs = editor.conflict;
  if (theirs === null) {
    return null;
  }
  const names = differing(theirs.document, editor.document);
  return (
    <Modal
      open
      title={words.conflict.title}
      onCancel={editor.closeConflict}
      footer={[
        <Button
          key="theirs"
          onClick={() => {
            editor.load(theirs.document, theirs.revision);
          }}
        >
          {words.conflict.theirs}
        </Button>,
        <Button
          key="mine"
          type="primary"
          loading={editor.save.isPending}
          onClick={() => {
            editor.save.mutate({ revision: theirs.revision });
          }}
        >
          {words.conflict.mine}
        </Button>,
      ]}
    >
      {names.length === 0 ? (
        <p>{words.conflict.same}</p>
      ) : (
        <>
          <p>{words.conflict.differing}</p>
          <p>
            <b>{names.slice(0, SHOWN).join(", ")}</b>
            {names.length > SHOWN ? " …" : ""}
          </p>
        </>
      )}
      <p className="quiet">{words.conflict.hint}</p>
    </Modal>
  );
}
