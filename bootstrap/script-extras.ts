/**
 * The part of the installed script for those who use the credentials: owners and modes by file, files in other forms,
 * and hooks. It is a file of its own, `/usr/local/lib/vpc-identity/extras`, which only servers that want any of this get:
 * user data has a limit. It overrides what script-credentials.ts and script-commands.ts left open: `share` (before a file
 * becomes visible), `relabel` (after), `make_key`, `first_fetch`, `die` and `finish` (when a run ends).
 */
import { SCRIPT_REPORTS } from "./script-reports";
import { SCRIPT_STRONGSWAN } from "./script-strongswan";

/** The extras that these settings (`/etc/vpc-identity/extras.conf`) call for; their comments stay in these sources. */
export function extrasScript(settings: string): string {
  const parts = [
    HEAD,
    BODY,
    ...(/^(log|metrics)\t/m.test(settings) ? [SCRIPT_REPORTS] : []),
    ...(/^swanctl\t/m.test(settings) ? [SCRIPT_STRONGSWAN] : []),
    ...(/^user\t/m.test(settings) ? [USER] : []),
    END,
  ];
  return parts
    .join("")
    .replace(/^ *# (?!shellcheck|Part of).*\n/gm, "")
    .replace(/\n{2,}/g, "\n");
}

/** Settings are lines of a word, a tab and its values. */
const HEAD = String.raw`# shellcheck shell=sh disable=SC2154,SC2034
# Part of /usr/local/bin/vpc-identity, which reads it; settings in /etc/vpc-identity/extras.conf.
tab='	'

doing=$1
`;

const BODY = String.raw`
# each WORD FUNCTION: calls it with the values of every line of that word.
each() {
  while IFS="$tab" read -r word values; do
    if [ "$word" = "$1" ]; then "$2" "$values" </dev/null || return 1; fi
  done <"$etc/extras.conf"
}

# share MODE PATH...: the group of the settings first, then what is said of a file by name.
share() {
  mode=$1
  shift
  case $1 in "$run"/.work.*/generation/*) each combined combine && [ ! -f "$new/combined.pem" ] || set -- "$@" "$new/combined.pem" ;; esac
  if [ -n "$group" ]; then chgrp "$group" "$@" && chmod "$mode" "$@" || return 1; fi
  for path; do each file access || return 1; done
}

combine() { cat "$new/key.pem" "$new/leaf.pem" "$new/chain.pem" >"$new/combined.pem"; }

# access "NAME OWNER GROUP MODE": a folder can be passed through as soon as any file in it belongs to someone else.
access() {
  if [ -d "$path" ]; then chmod go+x "$path"; return; fi
  IFS=' ' read -r name owner who bits <<END
$1
END
  case $path/ in */"$name"/) ;; *) return 0 ;; esac
  chown "$owner:$who" "$path" && chmod "$bits" "$path"
}

relabel() {
  case $1 in
    */tokens/*) printf 'token:%s ' "$(basename "$1")" >>"$run/changed" && made=$1 && each credentials credentials ;;
    *) printf 'certificate ' >>"$run/changed" ;;
  esac || return 1
  ! command -v restorecon >/dev/null || restorecon -R "$1" 2>/dev/null || :
}

# credentials "TOKEN SERVICE...": a file for IBM_CREDENTIALS_FILE, as IBM's SDKs and tools read it.
credentials() {
  case $made in */tokens/"$(printf %s "$1" | cut -d ' ' -f 1)") ;; *) return 0 ;; esac
  file=$(basename "$made")
  for service in $(printf %s "$1" | cut -d ' ' -f 2-); do
    printf '%s_AUTH_TYPE=bearertoken\n%s_BEARER_TOKEN=' "$service" "$service"
    cat "$made"
    echo
  done >"$work/credentials"
  mkdir -p "$run/credentials" && share 750 "$run/credentials" && path=$work/credentials && share 640 "$path" &&
    mv -f "$work/credentials" "$run/credentials/$file.env"
}

reuse_key() {
  make_key() {
    # What openssl cannot read, a disk that was full once left behind.
    case $(cat "$run/current/manifest.json" 2>/dev/null) in
      *"\"keySize\":$keySize,"*) ! openssl_to /dev/null pkey -in "$run/current/key.pem" -out "$new/key.pem" || return 0 ;;
    esac
    openssl_to /dev/null genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$keySize" -out "$new/key.pem"
  }
}

# The run is over. Hooks that need more rights than the service has run in a unit of their own.
finish() {
  code=$1
  printf '%s\n' "$code" >"$run/outcome"
  report
  [ -n "$VPC_IDENTITY_HOOKS" ] || spawn_hooks 1
  exit "$1"
}
report() { :; }

# A run that ends before it has a folder for its results is a failure to be told as well.
die() {
  code=$1
  shift
  say "$*"
  case $doing in once | renew)
    report
    [ -n "$VPC_IDENTITY_HOOKS" ] || spawn run_hooks "$code" '' ;;
  esac
  exit "$code"
}

# spawn_hooks CODE: what a hook or a signal ends together with the process that runs them has failed as well.
spawn_hooks() {
  ended=
  # No more than this: in a trap, a "return" of a function means what went before the trap.
  trap 'ended=1; started; kill "$child"; wait "$child"' TERM
  child=new
  spawn hooks "$1"
  [ "$rc" -le 1 ] || hooks_ended 1
  [ -z "$ended" ] || exit 143
  return "$rc"
}

# A signal may come when a process has started and its number is not yet in $child.
started() { case $child in new) child=$! ;; esac; }

# hooks_ended FAILED
hooks_ended() {
  mine || return
  printf '%s\n' "$1" >"$run/hooks-failed" && share 640 "$run/hooks-failed"
  # With the code of the last run: one may have ended meanwhile. One that left no outcome has reported itself.
  for mark in outcome outcome.taken; do
    if [ -r "$run/$mark" ] && read -r code <"$run/$mark"; then report; return; fi
  done
}

# hooks CODE: after a run that left no outcome, because it ended early or was killed, CODE is its outcome.
hooks() {
  code=$1 changed=
  mine || { run_hooks "$code" ''; return; }
  # What a run of hooks that was killed had taken is still there, and is taken again.
  [ ! -f "$run/changed.taken" ] || cat "$run/changed.taken" >>"$run/changed"
  for mark in changed outcome; do
    [ ! -f "$run/$mark" ] || mv -f "$run/$mark" "$run/$mark.taken"
  done
  [ ! -r "$run/outcome.taken" ] || read -r code <"$run/outcome.taken"
  [ ! -r "$run/changed.taken" ] || IFS= read -r changed <"$run/changed.taken"
  run_hooks "$code" "$changed"
  hooks_ended "$failed"
  rm -f "$run/changed.taken" "$run/outcome.taken"
  return "$failed"
}

# Before a look at what is due: the hooks of a run that was killed. The service leaves them to their unit.
owed_hooks() {
  [ -s "$run/changed" ] || [ -s "$run/changed.taken" ] || return 0
  if [ -z "$VPC_IDENTITY_HOOKS" ] && mine && try_lock; then
    spawn_hooks 0
    exit 0
  fi
}

# run_hooks CODE CHANGED: in a process of its own, which a signal must end together with the hook that it waits for.
run_hooks() {
  child='' work='' locked=''
  # The group is timeout's: a signal as it has just started the command ends timeout alone.
  trap 'started; [ -z "$child" ] || kill -s TERM -- "-$child" 2>/dev/null; cleanup' EXIT
  trap 'exit 143' TERM
  code=$1 changed=$2
  VPC_IDENTITY_CHANGED=$changed VPC_IDENTITY_DIRECTORY=$run VPC_IDENTITY_EXIT_CODE=$code
  export VPC_IDENTITY_CHANGED VPC_IDENTITY_DIRECTORY VPC_IDENTITY_EXIT_CODE
  failed=0
  each swanctl strongswan
  if [ -n "$changed" ]; then
    each reload reload
    each signal signal
    each exec execute
    each directory directory
  fi
  if [ "$code" -ne 0 ]; then
    each failure-exec execute
    each failure-directory directory
  fi
  return "$failed"
}

hook_failed() { failed=1; say "the hook failed: $1"; }

# What failed for want of these files starts with them; what somebody stopped stays stopped.
reload() {
  if has_systemd; then
    how=try-reload-or-restart
    # One that has failed too often is refused a start, and nobody hears of it.
    ! systemctl is-failed -q "$1" || { how=restart; systemctl reset-failed "$1"; }
    systemctl "$how" --no-block "$1" || hook_failed "reload $1"
  fi
}

signal() {
  pid=
  [ ! -r "$root/$(printf %s "$1" | cut -d ' ' -f 2-)" ] || read -r pid <"$root/$(printf %s "$1" | cut -d ' ' -f 2-)"
  case $pid in '' | *[!0-9]*) hook_failed "no process to signal: $1" ;; *) kill -s "$(printf %s "$1" | cut -d ' ' -f 1)" "$pid" || hook_failed "signal $1" ;; esac
}

# execute WORDS: as the shell reads them; the shell gives way, so that a signal reaches the command itself.
execute() { limited sh -c "exec $1" || hook_failed "$1"; }

# limited COMMAND...: in the time a hook has; what ignores the end of it is killed 5 seconds later. An old BusyBox cannot.
limited() {
  child=new
  if timeout -k 5 5 true 2>/dev/null; then spawn timeout -k 5 "$hookSeconds" "$@"; else spawn "$@"; fi >&2
}

directory() {
  for hook in "$root$1"/*; do
    if [ -f "$hook" ] && [ -x "$hook" ]; then execute "'$(printf %s "$hook" | sed "s/'/'\\\\''/g")'"; fi
  done
}

# "status" also tells how the hooks ended.
full_status() {
  out=$(status "$1")
  code=$?
  hooks=fine failed=0
  [ ! -r "$run/hooks-failed" ] || read -r failed <"$run/hooks-failed"
  [ "$failed" != 1 ] || hooks=failed
  if [ -z "$1" ]; then
    printf '%s\n' "$out"
    [ "$hooks" = fine ] || echo "a hook failed after the last renewal"
  else
    printf '%s\n' "$out" | sed "s/}\$/,\"hooks\":\"$hooks\"}/; s/^{,/{/"
  fi
  exit "$code"
}
`;

/** With a user of its own the first fetch is the service's, too: what root made would not be that user's. */
const USER = String.raw`
first_fetch() {
  has_systemd || die 2 'the option "user" needs systemd'
  spawn systemctl start vpc-identity.service && return
  say 'the service failed: see "journalctl -u vpc-identity"'
  rc=$(systemctl show --property=ExecMainStatus --value vpc-identity.service)
  [ "$rc" -gt 0 ] || rc=1
}
`;

const END = String.raw`
hookSeconds=60
take_timeout() { hookSeconds=$1; }
curl_line() { moreCurl="$moreCurl$1
"; }
if [ -r "$etc/extras.conf" ]; then
  each timeout take_timeout
  each curl curl_line
  each reuse-key reuse_key
fi
case $#/$1/$2 in
  1/hooks/)
    # Settings that cannot be read are a failure to tell, not a reason to be silent.
    doing=
    ! (settings) || settings
    spawn_hooks 1
    exit ;;
  1/renew/) settings; owed_hooks ;;
  1/uninstall/)
    # Whoever writes these files is ended first, or waited for.
    if has_systemd; then
      systemctl disable --now vpc-identity.timer vpc-identity.service
      systemctl stop vpc-identity-hooks.service
      systemctl reset-failed vpc-identity-hooks.service 2>/dev/null
    fi
    ! (settings) 2>/dev/null || settings
    ! mine || lock
    lock() { :; }
    each swanctl remove_copies
    each metrics remove_file ;;
  1/status/) settings; full_status '' ;;
  2/status/--json) settings; full_status json ;;
esac
`;
