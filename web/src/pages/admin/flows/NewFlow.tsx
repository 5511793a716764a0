import { useMutation } from "@tanstack/react-query";
import { Alert, Form, Input, Modal, Radio } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useWords } from "../../../i18n/useWords";
import { ApiError } from "../../../api/problem";
import { TEMPLATES, TEMPLATE_NAMES, type TemplateName } from "./templates";
import { useFlows } from "./useFlows";
import { useFlowWords } from "./words";

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** A new flow from a template; it opens in the editor as a draft. */
export function NewFlow({ taken, onClose }: { readonly taken: readonly string[]; readonly onClose: () => void }) {
  const words = useFlowWords();
  const { problem } = useWords();
  const flows = useFlows();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [title, setTitle] = useState("");
  const [template, setTemplate] = useState<TemplateName>("menu");
  const legal = NAME.test(name) && !taken.includes(name);
  const create = useMutation({
    mutationFn: () => flows.save(name, { flow: name, title, ...TEMPLATES[template] }, null),
    onSuccess: () => void navigate(`/admin/flows/of/${encodeURIComponent(name)}`),
  });
  const submit = () => {
    if (legal && !create.isPending) {
      create.mutate();
    }
  };
  return (
    <Modal
      open
      title={words.fresh.title}
      okText={words.fresh.create}
      cancelText={words.fresh.cancel}
      okButtonProps={{ disabled: !legal, loading: create.isPending }}
      onOk={submit}
      onCancel={onClose}
    >
      <Form layout="vertical" onFinish={submit}>
        {create.error === null ? null : (
          <Alert type="error" showIcon role="alert" title={create.error instanceof ApiError ? create.error.message : problem(create.error)} />
        )}
        <Form.Item
          label={words.fresh.name}
          htmlFor="flow-name"
          extra={words.fresh.nameHint}
          validateStatus={name !== "" && !legal ? "error" : ""}
        >
          <Input
            id="flow-name"
            autoFocus
            value={name}
            onChange={(event) => {
              setName(event.target.value.trim());
            }}
            onPressEnter={submit}
          />
        </Form.Item>
        <Form.Item label={words.fresh.label} htmlFor="flow-title">
          <Input
            id="flow-title"
            value={title}
            maxLength={200}
            onChange={(event) => {
              setTitle(event.target.value);
            }}
            onPressEnter={submit}
          />
        </Form.Item>
        <Form.Item label={words.fresh.template}>
          <Radio.Group
            className="flow-templates"
            value={template}
            onChange={(event) => {
              setTemplate(event.target.value as TemplateName);
            }}
          >
            {TEMPLATE_NAMES.map((one) => (
              <Radio key={one} value={one}>
                {words.fresh.templates[one]} <span className="quiet">{words.fresh.templateHints[one]}</span>
              </Radio>
            ))}
          </Radio.Group>
        </Form.Item>
      </Form>
    </Modal>
  );
}
