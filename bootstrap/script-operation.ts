/**
 * The part of the installed script for everything after the first fetch: what is due, keeping it fresh, and what a person
 * on the server asks.
 */

/** Commands `renew`, `loop`, `status`, `needs-renewal`, `print-token`, `provision`, `install`, `uninstall`. */
export const SCRIPT_OPERATION = String.raw`
# condition KIND NAME: sets $condition (fresh, due, expired, missing) and $seconds_left.
condition() {
  case $1 in
    token) file=$run/tokens/$2 issued=$run/issued/$2 ;;
    *) file=$run/current/leaf.pem issued=$run/current/.issued ;;
  esac
  condition=missing seconds_left=0
  [ -r "$file" ] || return
  condition=expired
  # Without a note, or with one of another boot, nothing is known of its life.
  [ -r "$issued" ] && read -r expiry due booted <"$issued" && [ "$booted" = "$boot" ] || return
  uptime
  seconds_left=$((expiry - now))
  if [ "$seconds_left" -le 0 ]; then seconds_left=0; elif [ "$now" -ge "$due" ]; then condition=due; else condition=fresh; fi
}

# Sets $todo to what is not fresh, and $next to the seconds until something is.
only_due() {
  todo='' next=$checkEverySeconds
  while read -r kind name by profile; do
    [ -n "$kind" ] || continue
    condition "$kind" "$name"
    if [ "$condition" != fresh ]; then
      todo="$todo$kind $name $by $profile
"
    elif [ $((due - now)) -lt "$next" ]; then
      next=$((due - now))
    fi
  done <<END
$wanted
END
}

# Looks once more after the lock: whoever held it may have fetched what was due.
renew() {
  only_due
  [ -n "$todo" ] || exit 0
  prepare
  only_due
  [ -n "$todo" ] || exit 0
  fetch
}

# Each round is a process of its own: a failure in one cannot reach the next.
loop() {
  while :; do
    spawn sh "$0" renew
    only_due
    # After a good round whatever is to do again has come due meanwhile.
    case $rc$todo/$next in 0?*/* | */0 | */-*) next=1 ;; esac
    spawn sleep "$next"
  done
}

status() {
  worst=0 comma=
  [ -z "$1" ] || printf '{'
  while read -r kind name by profile; do
    [ -n "$kind" ] || continue
    condition "$kind" "$name"
    case $condition in due) code=1 ;; expired) code=2 ;; missing) code=3 ;; *) code=0 ;; esac
    [ "$code" -le "$worst" ] || worst=$code
    if [ -n "$1" ]; then
      printf '%s"%s":{"condition":"%s","secondsLeft":%s,"path":"%s"}' "$comma" "$kind $name" "$condition" "$seconds_left" "$file"
      comma=,
    else
      printf '%-8s %s %s, %s s left: %s\n' "$condition" "$kind" "$name" "$seconds_left" "$file"
    fi
  done <<END
$wanted
END
  [ -z "$1" ] || printf '}\n'
  exit "$worst"
}

needs_renewal() {
  only_due
  code=0
  if [ -n "$todo" ]; then echo yes; else echo no; code=1; fi
  [ -n "$1" ] || code=0
  exit "$code"
}

# The JSON is what IAM itself answers, so that its clients can read it; the token goes from file to file.
print_token() {
  case $1 in *[!a-z0-9._-]* | '' | .*) die 2 "\"$1\" is not the name of a token" ;; esac
  condition token "$1"
  case $condition in
    fresh | due)
      [ -z "$2" ] || printf '{"access_token":"'
      cat "$file" || exit 1
      [ -z "$2" ] || printf '","token_type":"Bearer","expires_in":%s,"expiration":%s}\n' "$seconds_left" $(($(date +%s) + seconds_left))
      exit 0 ;;
  esac
  die 1 "IAM token \"$1\" is $condition; see \"vpc-identity status\""
}

has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

first_fetch() { spawn sh "$0" once; }

# The timer is enabled first, so that a reboot in between is no harm, and started last, so that it does not interfere.
provision() {
  if has_systemd; then { systemctl daemon-reload && systemctl enable vpc-identity.timer; } || say 'systemd refuses the timer'; fi
  first_fetch
  code=$rc
  (install) || exit
  exit "$code"
}

install() {
  if has_systemd; then
    { systemctl daemon-reload && systemctl enable vpc-identity.timer && systemctl start --no-block vpc-identity.timer; } ||
      die 1 'systemd refuses the timer'
  else
    say 'no systemd here: keep "vpc-identity loop" running, or "vpc-identity renew" in cron, every minute'
  fi
}

uninstall() {
  if has_systemd; then systemctl disable --now vpc-identity.timer vpc-identity.service; fi
  # Broken settings are no reason to stay.
  ! (settings) 2>/dev/null || settings
  ! mine || lock
  unit=$root/etc/systemd/system/vpc-identity
  rm -rf "$run" "$state" "$etc" "$unit.service" "$unit.timer" "$unit-ready.target" "$unit-hooks.service" \
    "$root/usr/local/bin/vpc-identity" "$root/usr/local/lib/vpc-identity" || die 1 'cannot remove everything'
  # A renewal that was under way has failed by its end, and would be listed on.
  if has_systemd; then systemctl daemon-reload; systemctl reset-failed 'vpc-identity.*'; fi
  say 'removed; a token that was issued stays valid until it expires'
}
`;
