import { Button } from "antd";
import i18next from "i18next";
import { Component, type ReactNode } from "react";
import { Notice } from "../ui/notices";

interface Props {
  readonly children: ReactNode;
}

/** A defect of the page is said, with the way out; the rest of the centre is not touched by it. */
export class ErrorBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) {
      return this.props.children;
    }
    return (
      <main>
        <Notice
          role="alert"
          mark="!"
          title={i18next.t("notice.crashed")}
          hint={i18next.t("notice.crashedHint")}
          action={
            <Button
              type="primary"
              onClick={() => {
                window.location.reload();
              }}
            >
              {i18next.t("notice.reload")}
            </Button>
          }
        />
      </main>
    );
  }
}
