/**
 * The part of the installed script that reads JSON: its own configuration and every answer of the on-instance services.
 * A server image has no jq, and a token must never stand in a word of the shell, where `set -x` would print it. So one
 * awk program parses, checks the formats, and writes secrets straight to files; the shell only sees what may be shown.
 *
 * Rules for all script-*.ts files: no `${` and no backtick in shell text (String.raw cannot escape them, and cloud-init's
 * templates trip over `${#`), no single quote in awk text, only what dash, BusyBox ash and awk, mawk and gawk all know.
 */

/**
 * `json`, the awk program. Modes: `config` (name TAB value lines), `token` (to the file `out`), `bearer` (curl header line
 * to the file `out`), `chain` (PEM files in the folder `out`), `error` (code, Retry-After, sentence),
 * `field` (one value), `clock` (seconds since the epoch by the Date of `headers`).
 */
export const SCRIPT_JSON = String.raw`
json='
function fail() { bad = 1; s = "" }
function ws() { sub(/^[ \t\r\n]+/, "", s) }
function hex(h, i, n) {
  n = 0
  for (i = 1; i <= 4; i++) n = n * 16 + index("0123456789abcdef", tolower(substr(h, i, 1))) - 1
  return n
}
function utf8(n, t, k) {
  if (n < 128) return n ? sprintf("%c", n) : ""
  for (k = 64; n >= k; k /= 2) { t = sprintf("%c", 128 + n % 64) t; n = int(n / 64) }
  return sprintf("%c", 256 - 2 * k + n) t
}
function text(raw, out, i, e, n) {
  if (!match(s, /^"([^"\\]|\\.)*"/)) { fail(); return "" }
  raw = substr(s, 2, RLENGTH - 2)
  s = substr(s, RLENGTH + 1)
  out = ""
  while ((i = index(raw, "\\")) > 0) {
    out = out substr(raw, 1, i - 1)
    e = substr(raw, i + 1, 1)
    if (e == "u") {
      n = hex(substr(raw, i + 2))
      raw = substr(raw, i + 6)
      if (n >= 55296 && n < 56320 && substr(raw, 1, 2) == "\\u") {
        n = 65536 + (n - 55296) * 1024 + hex(substr(raw, 3)) - 56320
        raw = substr(raw, 7)
      }
      out = out utf8(n)
    } else {
      out = out (e == "n" ? "\n" : e == "r" ? "\r" : e == "t" ? "\t" : e == "b" || e == "f" ? " " : e)
      raw = substr(raw, i + 2)
    }
  }
  return out raw
}
function value(path, c, k, i) {
  ws()
  c = substr(s, 1, 1)
  if (c == "\"") { V[path] = text(); return }
  if (c != "{" && c != "[") {
    if (!match(s, /^(-?[0-9][0-9.eE+-]*|true|false|null)/)) { fail(); return }
    V[path] = substr(s, 1, RLENGTH)
    s = substr(s, RLENGTH + 1)
    return
  }
  s = substr(s, 2)
  ws()
  if (substr(s, 1, 1) == (c == "{" ? "}" : "]")) { s = substr(s, 2); return }
  for (i = 0; !bad; i++) {
    k = i
    if (c == "{") {
      ws()
      k = text()
      ws()
      if (substr(s, 1, 1) != ":") { fail(); return }
      s = substr(s, 2)
    }
    value((path == "" ? "" : path ".") k)
    ws()
    k = substr(s, 1, 1)
    s = substr(s, 2)
    if (k == (c == "{" ? "}" : "]")) return
    if (k != ",") fail()
  }
}
function clean(t) {
  gsub(/eyJ[A-Za-z0-9_.-]+/, "[redacted]", t)
  gsub(/[^ -~]/, "?", t)
  return substr(t, 1, 400)
}
function complain(t) { print "problem\t" clean(t); bad = 1 }
function setting(key, rule) {
  if (V[key] !~ rule) complain(key " is " (key in V ? "\"" V[key] "\"" : "missing"))
  else { sub(/^.*[.]/, "", key); last = key }
}
function emit(key, rule) { setting(key, rule); if (!bad) print last "\t" V[key] }
function config(i, p, n, by) {
  emit("metadataUrl", "^https?://[A-Za-z0-9.-]+(:[0-9]+)?$")
  emit("apiVersion", "^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$")
  if ("maturity" in V) emit("maturity", "^[a-z][a-z0-9_]*$")
  if ("group" in V) emit("group", "^[a-z_][a-z0-9_-]*$")
  if (V["legacyFallback"] == "true") print "legacy\t1"
  if (V["nonce"] == "true") print "nonce\t1"
  if (V["keepOnDisk"] == "true") print "disk\t1"
  n = split("identityTokenSeconds firstBootSeconds retrySeconds", by, " ")
  for (i = 1; i <= n; i++) emit(by[i], "^[0-9]+$")
  n = split("iamTokenPercent certificatePercent checkEverySeconds", by, " ")
  for (i = 1; i <= n && V["renewal"] != "false"; i++) emit("renewal." by[i], "^[1-9][0-9]*$")
  for (i = 0; ("iamTokens." i ".name") in V; i++) {
    p = "iamTokens." i
    setting(p ".name", "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")
    n = "default -"
    if ((p ".profileId") in V) { setting(p ".profileId", "^Profile-[0-9a-f-]+$"); n = "id " V[p ".profileId"] }
    if ((p ".profileCrn") in V) { setting(p ".profileCrn", "^crn:v1:[A-Za-z0-9:/_.-]+$"); n = "crn " V[p ".profileCrn"] }
    if (!bad) print "want\ttoken " V[p ".name"] " " n
  }
  if (V["certificate"] == "false") return
  emit("certificate.keySize", "^(2048|4096)$")
  emit("certificate.expiresInSeconds", "^[0-9]+$")
  n = split("C ST L O OU", by, " ")
  for (i = 1; i <= n; i++) if ((p = "certificate.subject." by[i]) in V) {
    if (V[p] ~ /[\001-\037\177]/) complain(p " has a control character")
    gsub(/[^A-Za-z0-9 ]/, "\\\\&", V[p])
    print "subject\t" by[i] " = " V[p]
  }
  print "want\tcertificate chain - -"
}
function token(limit, t) {
  t = V["access_token"]
  if (t !~ /^[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]*$/ || length(t) < 14 || length(t) > limit) exit 1
  if (V["expires_in"] !~ /^[0-9]+$/ || V["nonce"] != nonce && nonce != "") exit 1
  print V["expires_in"]
  return t
}
function chain(i, pem, file) {
  for (i = 0; ("certificates." i) in V; i++) {
    pem = V["certificates." i]
    gsub(/\r/, "", pem)
    sub(/\n*$/, "\n", pem)
    if (pem !~ /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+\/=\n]+-----END CERTIFICATE-----\n$/) exit 1
    file = out (i == 0 ? "/leaf.pem" : "/chain.pem")
    printf "%s", pem > file
    last = pem
  }
  if (i < 1 || i > 10 || V["id"] !~ /^[0-9a-z_-]+$/ || length(V["id"]) > 64) exit 1
  if (V["expires_in"] !~ /^[0-9]+$/) exit 1
  printf "%s", last > (out "/last.pem")
  if (i == 1) printf "" > (out "/chain.pem")
  print V["expires_in"] " " V["id"] " " i
}
function error(i, line, after, t) {
  while ((getline line < headers) > 0)
    if (tolower(line) ~ /^retry-after:[ \t]*[0-9]+[ \t\r]*$/) { gsub(/[^0-9]/, "", line); after = substr(line, 1, 5) }
  for (i = 0; ("errors." i ".message") in V || ("errors." i ".code") in V; i++)
    t = t (i ? "; " : "") V["errors." i ".code"] ": " V["errors." i ".message"]
  if (t == "") t = "the answer has no error description"
  if ("trace" in V) t = t " (trace " V["trace"] ")"
  print clean(V["errors.0.code"])
  print after + 0
  print clean(t)
}
function clock(line, f, y, m) {
  while ((getline line < headers) > 0)
    if (tolower(line) ~ /^date:/ && split(line, f, /[ :]+/) >= 8) {
      y = f[5]
      m = (index("janfebmaraprmayjunjulaugsepoctnovdec", tolower(f[4])) + 2) / 3
      if (m < 3) { m += 12; y-- }
      m = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + f[3] - 719469
      printf "%d\n", m * 86400 + f[6] * 3600 + f[7] * 60 + f[8]
    }
}
{ s = s $0 "\n" }
END {
  if (mode == "clock") { clock(); exit 0 }
  value("")
  ws()
  if (s != "") bad = 1
  if (mode == "error") { error(); exit 0 }
  if (bad) exit 1
  if (mode == "config") { config(); exit bad }
  if (mode == "token") printf "%s", token(16384) > out
  if (mode == "bearer") printf "header = \"Authorization: Bearer %s\"\n", token(2000) > out
  if (mode == "chain") chain()
  if (mode == "field") print clean(V[key])
}
'
`;
