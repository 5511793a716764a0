/** What is used of JsSIP; a module of its own, so that it is loaded when a phone is wanted and not before. */
export { UA, WebSocketInterface } from "jssip";
