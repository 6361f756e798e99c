/**
 * The frame of the installed script: its head, which documents it on the server, and the commands it knows.
 */
import { EXIT_CODES } from "./exit-codes";

const exitCodes = Object.entries(EXIT_CODES)
  .map(([code, meaning]) => `#   ${code.padEnd(3)} ${meaning}`)
  .join("\n");

/** Head of the script: environment made safe before anything else runs. */
export const SCRIPT_HEAD = String.raw`#!/bin/sh
# vpc-identity: turns the instance identity token of this IBM Cloud VPC server into IAM tokens and a certificate.
# Installed by pulumi-ibm-vpc-identity; settings in /etc/vpc-identity/config.json, results in /run/vpc-identity.
#
# usage: vpc-identity COMMAND
#   once                        fetch every token and the certificate now
#   renew                       fetch what is missing or due; what the timer runs
#   loop                        stay in the foreground and renew in time
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
child='' work='' locked='' moreCurl=''

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

prepare() {
  for tool in curl openssl awk mktemp; do
    command -v "$tool" >/dev/null || die 3 "\"$tool\" is missing; install it with the package manager of this image"
  done
  [ -d "$run" ] || mkdir -p "$run" || die 1 "cannot make $run"
  mine || die 1 "$why"
  chmod 700 "$run" && mkdir -p "$run/tokens" "$run/issued" "$run/generations" &&
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

# One run at a time. Without flock a folder is the lock; it is stale when the process it names is gone.
lock() {
  tries=0 patience=$retrySeconds
  [ "$firstBootSeconds" -le "$patience" ] || patience=$firstBootSeconds
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
    printf '%s\n' "$$" >"$run/lock.d/pid"
    return
  fi
  owner=
  [ ! -r "$run/lock.d/pid" ] || read -r owner <"$run/lock.d/pid"
  [ -z "$owner" ] || kill -0 "$owner" 2>/dev/null || rm -rf "$run/lock.d"
  return 1
}

# The first boot lasts until everything was obtained once on this server. The mark names the server, so that a server made
# from an image of this one has a first boot of its own.
begin() {
  server=unknown
  [ ! -r /sys/class/dmi/id/product_uuid ] || read -r server </sys/class/dmi/id/product_uuid
  [ ! -r "$root/var/lib/cloud/data/instance-id" ] || read -r server <"$root/var/lib/cloud/data/instance-id"
  first_boot='' mark='' renewed='' identity_at=''
  [ ! -r "$state/provisioned" ] || read -r mark <"$state/provisioned"
  uptime
  deadline=$((now + retrySeconds))
  if [ "$mark" != "$server" ]; then
    first_boot=1
    # What an image brought along belongs to another server.
    [ -z "$mark" ] || rm -rf "$run/current" "$run"/generations/* "$run"/tokens/* "$run"/issued/*
    deadline=$((now + firstBootSeconds))
  fi
}

# One attempt at everything still wanted. What succeeds is published at once and not asked for again.
pass() {
  left='' waits=0 slowly='' stuck=''
  while read -r kind name by profile; do
    [ -n "$kind" ] || continue
    # Without an identity token nothing else can be asked in this pass.
    if [ -z "$stuck" ]; then
      identity_token
      [ "$outcome" = ok ] || stuck=1
      if [ "$outcome" = ok ]; then
        case $kind in token) token "$name" "$by" "$profile" ;; *) certificate ;; esac
      fi
      if [ "$outcome" != ok ]; then
        # What fails for want of room looks like any other failure.
        printf '%65536s' '' >"$work/room" 2>/dev/null || broken "$why (no room left in $run)"
        : >"$work/room"
        say "$why"
        [ "$after" -le "$waits" ] || waits=$after
        slowly=$slowly$slow
      fi
    fi
    case $outcome in
      retry)
        last=$class
        left="$left$kind $name $by $profile
" ;;
      final)
        advise
        result=$class ;;
    esac
  done <<END
$wanted
END
  wanted=$left
}

advise() {
  case $class/$error in
    5/profile_not_linked) say 'link the trusted profile to this server, or add a claim rule that fits it' ;;
    5/missing_field) say 'this server has no default trusted profile: name a profile for each token' ;;
    4/*) say 'is the metadata service enabled on this server, with this protocol, and the hop limit high enough?' ;;
  esac
}

once() {
  prepare
  fetch
}

fetch() {
  begin
  result=0 error='' pause=1 slow_pause=5
  while :; do
    pass
    [ -n "$wanted" ] || break
    uptime
    if [ -n "$slowly" ]; then
      delay=$slow_pause
      slow_pause=$((slow_pause * 2))
      [ "$slow_pause" -le 60 ] || slow_pause=60
    else
      delay=$(($(od -An -N2 -tu2 /dev/urandom) % pause + 1))
      pause=$((pause * 2))
      [ "$pause" -le 30 ] || pause=30
    fi
    [ "$waits" -le "$delay" ] || delay=$waits
    if [ $((now + delay)) -gt "$deadline" ]; then
      class=$last
      advise
      say 'gave up; what was there before is untouched'
      finish "$class"
    fi
    say "trying again in $delay s"
    spawn sleep "$delay"
  done
  [ "$result" -eq 0 ] || finish "$result"
  [ -z "$first_boot" ] || { mkdir -p "$state" && printf '%s\n' "$server" >"$state/provisioned"; } 2>/dev/null
  finish 0
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
