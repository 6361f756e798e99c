/**
 * The frame of the installed script: its head, which documents it on the server, and the commands it knows.
 */
import { EXIT_CODES } from "./exit-codes";

// Those from 128 on are every shell's, and user data has a limit.
const exitCodes = Object.entries(EXIT_CODES)
  .filter(([code]) => Number(code) < 128)
  .map(([code, meaning]) => `#   ${code} ${meaning}`)
  .join("\n");

/** Head of the script: environment made safe before anything else runs. */
export const SCRIPT_HEAD = String.raw`#!/bin/sh
# vpc-identity: turns the instance identity token of this IBM Cloud VPC server into IAM tokens and a certificate.
# Installed by pulumi-ibm-vpc-identity; settings in /etc/vpc-identity/config.json, results in /run/vpc-identity.
#
# usage: vpc-identity COMMAND
#   once                        fetch every token and the certificate now
#   renew                       fetch what is missing or due; what the timer runs
#   loop                        renew in time, in the foreground
#   status [--json]             exit 0 all fresh, 1 something due, 2 expired, 3 missing
#   needs-renewal [--exit-code] yes or no; with --exit-code 0 for yes, 1 for no
#   print-token [--json] [NAME] a valid token, "default" unless named; as IAM has it
#   doctor                      find out what is wrong, with the fix
#   provision                   first boot: once, and renewals from then on
#   install, uninstall          switch renewals on; remove everything
#
# exit codes:
${exitCodes}
set +x
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL PATH
unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY CURL_CA_BUNDLE \
  OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE
root=$VPC_IDENTITY_ROOT
etc=$root/etc/vpc-identity run=$root/run/vpc-identity state=$root/var/lib/vpc-identity
child='' work='' locked='' moreCurl='' first_boot='' renewed='' identity_at='' error=''

say() { printf 'vpc-identity: %s\n' "$*" >&2; }
die() {
  code=$1
  shift
  say "$*"
  exit "$code"
}
cleanup() {
  if [ -n "$child" ] && kill "$child" 2>/dev/null; then wait "$child"; fi
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$locked" ] || rm -rf "$run/lock.d"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
`;

/** Settings, lock, passes over what is wanted, and the dispatch of commands. */
export const SCRIPT_COMMANDS = String.raw`
settings() {
  [ -r "$etc/config.json" ] || die 2 "cannot read $etc/config.json"
  lines=$(awk -v mode=config "$json" "$etc/config.json") || bad_settings "$lines"
  wanted='' subject='' maturity='' metadataUrl='' apiVersion='' identityTokenSeconds='' firstBootSeconds=''
  retrySeconds='' keySize='' expiresInSeconds='' group='' legacy='' nonce='' disk='' number_once='' iamTokenPercent=80 certificatePercent=66
  checkEverySeconds=300
  while IFS='	' read -r key val; do
    case $key in
      want) wanted="$wanted$val
" ;;
      subject) subject="$subject$val
" ;;
      *) eval "$key=\$val" ;;
    esac
  done <<END
$lines
END
  [ -z "$disk" ] || run=$state/results
  base=$VPC_IDENTITY_METADATA_URL
  [ -n "$base" ] || base=$metadataUrl
  prefix=/identity/v1 iam_tokens=iam_tokens query=
  # Inside the unit of a server that is itself a container, the kernel's file shows another id than outside.
  boot=$VPC_IDENTITY_BOOT_ID
  if [ -z "$boot" ] && [ -r /proc/sys/kernel/random/boot_id ]; then
    IFS=- read -r boot b c d e </proc/sys/kernel/random/boot_id
    boot=$boot$b$c$d$e
  fi
  [ -z "$maturity" ] || query="&maturity=$maturity"
}

bad_settings() {
  printf '%s\n' "$1" | while IFS='	' read -r key val; do
    case $key in problem) say "$etc/config.json: $val" ;; esac
  done
  die 2 "$etc/config.json is not usable"
}

has_tools() { for tool in curl openssl awk mktemp od find sed; do command -v "$tool" >/dev/null || return; done; }

prepare() {
  has_tools || die 3 "\"$tool\" is missing; install it with the package manager of this image"
  [ -d "$run" ] || mkdir -p "$run" || die 1 "cannot make $run"
  mine || die 1 "$why"
  # Only where it takes something away: readers that may pass must not find it shut for a moment.
  [ -n "$group" ] || [ -z "$(find "$run" -prune \( -perm -40 -o -perm -4 \))" ] || chmod 700 "$run"
  mkdir -p "$run/tokens" "$run/issued" "$run/generations" &&
    share 750 "$run" "$run/tokens" "$run/issued" "$run/generations" && { [ -z "$disk" ] || share 750 "$state"; } || die 1 "cannot prepare $run (group \"$group\")"
  lock
  for old in "$run"/.work.*; do [ ! -d "$old" ] || rm -rf "$old"; done
  work=$(mktemp -d "$run/.work.XXXXXX") || die 1 "cannot make a folder in $run"
}

# A folder that another user made, or a link to one, would hand the credentials over. Where another user may write, links may
# lie in wait: for the lock, the tokens, the next generation.
mine() {
  why="$run is not a folder of this user; remove it"
  if [ -h "$run" ] || [ ! -O "$run" ] || [ ! -d "$run" ]; then return 1; fi
  open=$(find "$run/.." "$run" -prune \( -perm -20 -o -perm -2 ! -perm -1000 \)) && [ -z "$open" ] && return
  why="other users may write to $open: take that from them and remove $run"
  return 1
}

# One run at a time. Without flock a folder is the lock; it is stale when the process it names is gone, or
# when it names none of this boot at two looks in a row.
lock() {
  # Who uninstalls may have no settings.
  tries=0 owner=- patience=$((retrySeconds))
  [ $((firstBootSeconds)) -le "$patience" ] || patience=$firstBootSeconds
  until try_lock; do
    tries=$((tries + 1))
    [ "$tries" -le "$patience" ] || die 9 'another run holds the lock'
    spawn sleep 1
  done
}

try_lock() {
  if command -v flock >/dev/null; then
    exec 9>"$run/lock"
    flock -n 9
    return
  fi
  if mkdir "$run/lock.d" 2>/dev/null; then
    locked=1
    printf '%s\n' "$$" >"$run/lock.d/pid$boot"
    return
  fi
  before=$owner
  owner=$(cat "$run/lock.d/pid$boot" 2>/dev/null)
  [ -z "$owner" ] && [ -n "$before" ] || kill -0 "$owner" 2>/dev/null || break_lock
  return 1
}

# Moved to a name of one's own, so that of two only one breaks it; what is not what was looked at goes back.
break_lock() {
  mv "$run/lock.d" "$run/lock.$$" 2>/dev/null || return
  if [ "$(cat "$run/lock.$$/pid$boot" 2>/dev/null)" = "$owner" ]; then rm -rf "$run/lock.$$"; else mv "$run/lock.$$" "$run/lock.d"; fi
}

# The first boot lasts until everything was obtained or refused once on this server, or its time is over. The marks name the
# server, so that a server made from an image of this one has a first boot of its own, and none of its results.
begin() {
  server=unknown
  [ ! -r /sys/class/dmi/id/product_uuid ] || read -r server </sys/class/dmi/id/product_uuid
  [ ! -r "$root/var/lib/cloud/data/instance-id" ] || read -r server <"$root/var/lib/cloud/data/instance-id"
  mark='' made_on=''
  [ ! -r "$state/provisioned" ] || read -r mark <"$state/provisioned"
  [ ! -r "$run/server" ] || read -r made_on <"$run/server"
  if [ "$made_on" != "$server" ]; then
    (cd "$run" && rm -rf current credentials generations/* tokens/* issued/* && printf '%s\n' "$server" >server)
  fi
  uptime
  deadline=$((now + retrySeconds))
  if [ "$mark" != "$server" ]; then
    first_boot=1
    deadline=$((now + firstBootSeconds))
  fi
}

attempt() {
  identity_token
  case $outcome/$kind in
    ok/token) token "$name" "$by" "$profile" ;;
    ok/*) certificate ;;
    *) stuck=1 ;;
  esac
  [ "$outcome" != ok ] || return
  # What fails for want of room looks like any other failure.
  printf '%65536s' '' >"$work/room" 2>/dev/null || broken "$why (no room left in $run)"
  : >"$work/room"
  say "$why"
  [ "$after" -le "$waits" ] || waits=$after
  slowly=$slowly$slow
  [ -z "$stuck" ] || stuck=$outcome
}

# One attempt at what is in $todo or no longer fresh. What succeeds is published at once; what is refused for good is wanted
# no more in this run, and what may yet succeed is in $todo afterwards.
pass() {
  still='' left='' waits=0 slowly='' stuck=''
  while read -r kind name by profile; do
    [ -n "$kind" ] || continue
    item="$kind $name $by $profile
"
    # Without an identity token nothing else can be asked in this pass.
    outcome=$stuck
    condition "$kind" "$name"
    case $condition/$todo in
      *"$item"* | [!f]*) [ -n "$stuck" ] || attempt ;;
      *) outcome=ok ;;
    esac
    case $outcome in
      retry)
        last=$class
        left=$left$item ;;
      final)
        advise
        result=$class
        continue ;;
    esac
    still=$still$item
  done <<END
$wanted
END
  wanted=$still todo=$left
}

advise() {
  case $class/$error in
    5/profile_not_linked) say 'link the trusted profile to this server, or add a claim rule that fits it' ;;
    5/missing_field) say 'this server has no default trusted profile: name a profile for each token' ;;
    4/*) say 'is the metadata service enabled on this server, with this protocol, and the hop limit high enough?' ;;
  esac
}

once() {
  todo=$wanted
  prepare
  fetch
}

fetch() {
  begin
  result=0 pause=1
  while pass && [ -n "$todo" ]; do
    uptime
    [ -z "$slowly" ] || [ "$pause" -ge 5 ] || pause=5
    # Less by chance, so that servers made together do not ask together; never so long that what is fresh expires meanwhile.
    delay=$((pause - $(od -An -N2 -tu2 /dev/urandom) % (pause / 2 + 1)))
    pause=$((pause * 2))
    [ "$pause" -le 60 ] || pause=60
    [ "$waits" -le "$delay" ] || delay=$waits
    if [ $((now + delay)) -gt "$deadline" ]; then
      class=$last result=$last
      advise
      say 'gave up; what was there before is untouched'
      break
    fi
    say "trying again in $delay s"
    spawn sleep "$delay"
  done
  [ -z "$first_boot" ] || { mkdir -p "$state" && printf '%s\n' "$server" >"$state/provisioned"; } 2>/dev/null
  finish "$result"
}

finish() { exit "$1"; }

usage() {
  sed -n '/^# usage/,/^#$/s/^# //p' "$0" >&2
  exit 2
}

extras=$root/usr/local/lib/vpc-identity/extras
[ ! -r "$extras" ] || . "$extras"
case $#/$1/$2 in
  1/once/ | 1/renew/ | 1/loop/ | 1/doctor/ | 1/status/) settings; "$1" ;;
  2/status/--json) settings; status json ;;
  1/needs-renewal/) settings; needs_renewal '' ;;
  2/needs-renewal/--exit-code) settings; needs_renewal 1 ;;
  1/print-token/) settings; print_token default ;;
  2/print-token/--json) settings; print_token default json ;;
  3/print-token/--json) settings; print_token "$3" json ;;
  2/print-token/*) settings; print_token "$2" ;;
  1/provision/ | 1/install/ | 1/uninstall/) "$1" ;;
  *) usage ;;
esac
`;
