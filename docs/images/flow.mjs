// Draws docs/images/flow.svg, the picture in the README: `node docs/images/flow.mjs` writes it anew. Boxes and arrows are data,
// so that a change of the flow is a change of a word here; test/docs/flow.test.ts keeps the file equal to this.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SIZE = { width: 920, height: 372 };

/** Frames around boxes: where something is. */
const PLACES = [
  { x: 226, y: 16, width: 678, height: 152, name: "your IBM Cloud account" },
  { x: 226, y: 192, width: 678, height: 164, name: "the server" },
];

const BOXES = {
  program: {
    x: 14,
    y: 56,
    width: 184,
    height: 92,
    title: "pulumi up",
    lines: ["profile, policies, server", "no API key in any", "of them"],
  },
  profile: {
    x: 242,
    y: 56,
    width: 186,
    height: 92,
    title: "trusted profile",
    lines: ["and its policies:", "what the server may do"],
  },
  apis: {
    x: 706,
    y: 56,
    width: 186,
    height: 92,
    title: "IBM Cloud APIs",
    lines: ["allow what a policy", "of the profile says"],
  },
  metadata: {
    x: 242,
    y: 236,
    width: 186,
    height: 100,
    title: "metadata service",
    lines: ["169.254.169.254 gives", "an identity token to", "this server only"],
  },
  script: {
    x: 474,
    y: 236,
    width: 186,
    height: 100,
    title: "vpc-identity",
    lines: ["comes with the user data,", "gets and renews both,", "holds no secret"],
  },
  files: {
    x: 706,
    y: 236,
    width: 186,
    height: 100,
    title: "/run/vpc-identity",
    lines: ["IAM token", "key and certificate,", "in memory"],
  },
};

/** `at`: where the label stands, from the middle of the arrow. */
const ARROWS = [
  { from: ["program", "right", 0.5], to: ["profile", "left", 0.5] },
  { from: ["profile", "bottom", 0.5], to: ["metadata", "top", 0.5], label: "linked before first boot", at: [8, -7] },
  { from: ["metadata", "right", 0.5], to: ["script", "left", 0.5] },
  { from: ["script", "right", 0.5], to: ["files", "left", 0.5] },
  { from: ["files", "top", 0.5], to: ["apis", "bottom", 0.5], label: "IAM token", at: [8, -7] },
];

const STYLE = `
    .sheet { fill: #ffffff; stroke: #d0d7de }
    .place { fill: #f6f8fa; stroke: #d0d7de; stroke-dasharray: 5 4 }
    .box { fill: #ffffff; stroke: #0550ae; stroke-width: 1.5 }
    .line { stroke: #57606a; stroke-width: 1.5; fill: none }
    .head { fill: #57606a }
    text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 14px; fill: #0550ae }
    .name, .label { font-size: 12px; fill: #57606a }
    @media (prefers-color-scheme: dark) {
      .sheet { fill: #0d1117; stroke: #30363d }
      .place { fill: #161b22; stroke: #30363d }
      .box { fill: #0d1117; stroke: #58a6ff }
      .line { stroke: #9198a1 }
      .head { fill: #9198a1 }
      text { fill: #e6edf3 }
      .title { fill: #79c0ff }
      .name, .label { fill: #9198a1 }
    }`;

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const place = ({ x, y, width, height, name }) => `
  <rect class="place" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>
  <text class="name" x="${x + 12}" y="${y + 22}">${escaped(name)}</text>`;

function box({ x, y, width, height, title, lines }) {
  const middle = x + width / 2;
  const rows = lines.map(
    (line, index) => `\n  <text x="${middle}" y="${y + 46 + index * 18}" text-anchor="middle">${escaped(line)}</text>`,
  );
  return `
  <rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>
  <text class="title" x="${middle}" y="${y + 24}" text-anchor="middle">${escaped(title)}</text>${rows.join("")}`;
}

/** A point on the edge of a box: `part` of the way along it. */
function point([name, side, part]) {
  const { x, y, width, height } = BOXES[name];
  if (side === "left" || side === "right") return [side === "left" ? x : x + width, y + height * part];
  return [x + width * part, side === "top" ? y : y + height];
}

function arrow({ from, to, label, at: [dx, dy] = [0, 0] }) {
  const [[x1, y1], [x2, y2]] = [point(from), point(to)];
  const text =
    label && `\n  <text class="label" x="${(x1 + x2) / 2 + dx}" y="${(y1 + y2) / 2 + dy}">${escaped(label)}</text>`;
  return `
  <path class="line" d="M${x1} ${y1}L${x2} ${y2}" marker-end="url(#head)"/>${text ?? ""}`;
}

/** The picture as SVG text. */
export function drawFlow() {
  const { width, height } = SIZE;
  const alt =
    "pulumi up makes a trusted profile with policies and a server that is linked to it before its first boot; on the server the " +
    "script vpc-identity turns the identity token of the metadata service into an IAM token and a certificate, and IBM Cloud APIs " +
    "allow what the policies say.";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>${escaped(alt)}</title>
  <style>${STYLE}
  </style>
  <defs>
    <marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">
      <path class="head" d="M0 0L10 5L0 10z"/>
    </marker>
  </defs>
  <rect class="sheet" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>${PLACES.map(place).join("")}${Object.values(
    BOXES,
  )
    .map(box)
    .join("")}${ARROWS.map(arrow).join("")}
</svg>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("flow.svg", import.meta.url), drawFlow());
}
