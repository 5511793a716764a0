import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, type InputRef } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { logIn } from "../../api/client";
import { useServices, useSession } from "../../api/context";
import { ApiError } from "../../api/problem";
import { useWords } from "../../i18n/useWords";
import { useCountdown } from "../../ui/useCountdown";
import { Input, PasswordInput } from "../../ui/input";

interface Fields {
  username: string;
  password: string;
}

export function LoginForm() {
  const { t } = useTranslation();
  const words = useWords();
  const { api, session } = useServices();
  const { ended } = useSession();
  const [wait, startWait] = useCountdown();
  const password = useRef<InputRef>(null);
  const [form] = Form.useForm<Fields>();
  const login = useMutation({
    mutationFn: ({ username, password }: Fields) => logIn(api, session, username.trim(), password),
    onError: (error) => {
      if (error instanceof ApiError && error.code === "throttled") {
        startWait(error.retryAfter ?? 1);
      }
      form.resetFields(["password"]);
      password.current?.focus();
    },
  });

  return (
    <Form<Fields>
      form={form}
      layout="vertical"
      requiredMark={false}
      onFinish={(fields) => {
        login.mutate(fields);
      }}
    >
      {login.error === null ? (
        ended === "expired" ? <Alert type="info" title={t("login.expired")} showIcon /> : null
      ) : (
        <Alert
          type="error"
          showIcon
          title={wait > 0 ? t("problem.throttled", { seconds: wait }) : loginProblem(login.error, t("login.wrong"), words.problem, t("login.tryAgain"))}
        />
      )}
      <Form.Item name="username" label={t("login.user")} rules={[{ required: true, whitespace: true, message: t("login.userMissing") }]}>
        <Input autoComplete="username" autoFocus size="large" maxLength={200} spellCheck={false} autoCapitalize="none" />
      </Form.Item>
      <Form.Item name="password" label={t("login.password")} rules={[{ required: true, message: t("login.passwordMissing") }]}>
        <PasswordInput ref={password} autoComplete="current-password" size="large" maxLength={256} />
      </Form.Item>
      <Button type="primary" htmlType="submit" size="large" block loading={login.isPending} disabled={wait > 0}>
        {wait > 0 ? t("login.wait", { seconds: wait }) : t("login.submit")}
      </Button>
    </Form>
  );
}

function loginProblem(error: Error, wrong: string, words: (error: unknown) => string, again: string): string {
  if (!(error instanceof ApiError)) {
    return words(error);
  }
  switch (error.code) {
    case "not_authenticated":
      return wrong;
    case "throttled":
      return again; // the wait is over
    default:
      return words(error);
  }
}
