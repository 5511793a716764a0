import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form } from "antd";
import { useTranslation } from "react-i18next";
import { useServices } from "../../api/context";
import { unwrap } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { PasswordInput } from "../../ui/input";

interface Fields {
  old_password: string;
  new_password: string;
  again: string;
}

/** Whoever got his password from somebody else chooses his own; all his log-ins end with that. */
export function PasswordForm() {
  const { t } = useTranslation();
  const words = useWords();
  const { api, session } = useServices();
  const change = useMutation({
    mutationFn: ({ old_password, new_password }: Fields) =>
      unwrap(api.POST("/api/v1/me/password", { body: { old_password, new_password } })),
    onSuccess: () => {
      session.end("logged_out");
    },
  });
  const required = { required: true, message: t("login.passwordMissing") };
  return (
    <Form<Fields>
      layout="vertical"
      requiredMark={false}
      onFinish={(fields) => {
        change.mutate(fields);
      }}
    >
      <Alert
        type={change.error === null ? "info" : "error"}
        showIcon
        title={change.error === null ? t("login.choosePassword") : words.problem(change.error)}
      />
      <Form.Item name="old_password" label={t("login.oldPassword")} rules={[required]}>
        <PasswordInput autoComplete="current-password" size="large" maxLength={256} autoFocus />
      </Form.Item>
      <Form.Item name="new_password" label={t("login.newPassword")} rules={[required]}>
        <PasswordInput autoComplete="new-password" size="large" maxLength={256} />
      </Form.Item>
      <Form.Item
        name="again"
        label={t("login.newPasswordAgain")}
        dependencies={["new_password"]}
        rules={[
          required,
          ({ getFieldValue }) => ({
            validator: (_rule, value) =>
              value === getFieldValue("new_password")
                ? Promise.resolve()
                : Promise.reject(new Error(t("login.passwordsDiffer"))),
          }),
        ]}
      >
        <PasswordInput autoComplete="new-password" size="large" maxLength={256} />
      </Form.Item>
      <Button type="primary" htmlType="submit" size="large" block loading={change.isPending}>
        {t("login.savePassword")}
      </Button>
    </Form>
  );
}
