import { Form, Input, Modal, Select } from "antd";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../live/types";
import { addressesOf, foreign, FORMAT_NAMES, FORMATS, minuteOf, timeOf, WHOLE, type Grouping, type Report } from "./reports";

type Put = Schemas["SchedulePut"];

/** What a report is of and how its rows are grouped, in one phrase. */
export function useReportName(): (report: Report, grouping: Grouping) => string {
  const { t, i18n } = useTranslation();
  return useCallback(
    (report, grouping) =>
      t("reports.schedules.named", {
        report: t(`reports.kinds.${report}`),
        group: t(`reports.grouping.${grouping}`).toLocaleLowerCase(i18n.language),
      }),
    [t, i18n.language],
  );
}

interface Props {
  readonly schedule: Put;
  readonly domains: readonly string[];
  readonly saving: boolean;
  readonly onSave: (body: Put) => void;
  readonly onClose: () => void;
}

/** How often, as what and where to; what cannot be saved says why where it is. */
export function ScheduleForm({ schedule, domains, saving, onSave, onClose }: Props) {
  const { t } = useTranslation();
  const nameOf = useReportName();
  const [name, setName] = useState(schedule.name);
  const [period, setPeriod] = useState(schedule.period);
  const [format, setFormat] = useState(schedule.format);
  const [time, setTime] = useState(timeOf(schedule.minute));
  const [mail, setMail] = useState(schedule.mail_to.join(", "));
  const minute = minuteOf(time);
  const addresses = addressesOf(mail);
  const refused = foreign(addresses, domains);
  const nameless = name.trim() === "";
  return (
    <Modal
      open
      title={nameOf(schedule.report as Report, schedule.group_by as Grouping)}
      okText={t("reports.schedules.save")}
      cancelText={t("reports.schedules.cancel")}
      okButtonProps={{ disabled: nameless || minute === null || refused.length > 0, loading: saving }}
      onOk={() => {
        onSave({ ...schedule, name: name.trim(), period, format, minute: minute ?? schedule.minute, mail_to: addresses });
      }}
      onCancel={onClose}
    >
      <Form layout="vertical">
        <Form.Item label={t("reports.schedules.name")} htmlFor="schedule-name" {...fault(nameless, t("reports.schedules.nameless"))}>
          <Input id="schedule-name" value={name} maxLength={80} onChange={(event) => { setName(event.target.value); }} />
        </Form.Item>
        <Form.Item label={t("reports.schedules.every")} htmlFor="schedule-period" extra={t(`reports.schedules.made.${period}`)}>
          <Select<Put["period"]>
            id="schedule-period"
            value={period}
            onChange={setPeriod}
            options={WHOLE.map((value) => ({ value, label: t(`reports.schedules.whole.${value}`) }))}
          />
        </Form.Item>
        <div className="schedule-pair">
          <Form.Item
            label={t("reports.schedules.at")}
            htmlFor="schedule-at"
            extra={t("reports.schedules.atHint")}
            {...fault(minute === null, t("reports.schedules.timeless"))}
          >
            <Input id="schedule-at" type="time" value={time} onChange={(event) => { setTime(event.target.value); }} />
          </Form.Item>
          <Form.Item label={t("reports.schedules.format")} htmlFor="schedule-format">
            <Select<Put["format"]>
              id="schedule-format"
              value={format}
              onChange={setFormat}
              options={FORMATS.map((value) => ({ value, label: FORMAT_NAMES[value] }))}
            />
          </Form.Item>
        </div>
        <Form.Item
          label={t("reports.schedules.mail")}
          htmlFor="schedule-mail"
          extra={domains.length === 0 ? t("reports.schedules.noMail") : t("reports.schedules.mailHint", { domains: domains.join(", ") })}
          {...fault(refused.length > 0, t("reports.schedules.foreign", { addresses: refused.join(", ") }))}
        >
          <Input
            id="schedule-mail"
            value={mail}
            disabled={domains.length === 0 && mail === ""}
            placeholder={domains[0] === undefined ? "" : `name@${domains[0]}`}
            onChange={(event) => { setMail(event.target.value); }}
          />
        </Form.Item>
      </Form>
    </Modal>
  );
}

/** What an item of the form shows when something about it is wrong. */
function fault(wrong: boolean, help: string): { validateStatus?: "error"; help?: string } {
  return wrong ? { validateStatus: "error", help } : {};
}
