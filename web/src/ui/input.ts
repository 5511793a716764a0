/** The library's fields by themselves: its `Input` brings those for long texts, codes and searches along. */
export { default as Input } from "antd/es/input/Input";
export { default as PasswordInput } from "antd/es/input/Password";
export { default as TextArea } from "antd/es/input/TextArea";
