/** For the command, which reads settings like this room does but may not import `core`: what a misspelt name means. */
export { misspelt } from "../core/validate";
