/**
 * The part of the installed script that talks to the on-instance services: one attempt, and what its outcome means.
 * Secrets reach curl by configuration files (`-K`), which every curl in use knows, so that they are never in its arguments.
 */

/** `request`, `ask`, `identity_token`: set `outcome` (ok, retry, final), and for failures `class`, `why`, `after`, `slow`. */
export const SCRIPT_HTTP = String.raw`
# Runs a program so that a signal to this shell is answered at once; the lock (9) is not inherited.
spawn() {
  "$@" 9>&- &
  child=$!
  wait "$child"
  rc=$?
  child=
  return "$rc"
}

# request METHOD bearer|open: sends $work/body to $url; leaves $status, $rc, $work/answer and $work/headers.
request() {
  : >"$work/answer"
  : >"$work/headers"
  printf '%s\n' "request = \"$1\"" "url = \"$url\"" \
    'header = "Accept: application/json"' 'header = "Content-Type: application/json"' \
    'header = "Metadata-Flavor: ibm"' 'header = "Expect:"' "data-binary = \"@$work/body\"" \
    "output = \"$work/answer\"" "dump-header = \"$work/headers\"" 'write-out = "%{http_code}\n"' \
    'connect-timeout = 5' 'max-time = 20' 'noproxy = "*"' 'proto = "=http,https"' silent show-error "$moreCurl" >"$work/request"
  status=000
  if [ "$2" = bearer ]; then
    spawn curl -q -K "$work/request" -K "$work/bearer" >"$work/status" 2>"$work/problem"
  else
    spawn curl -q -K "$work/request" >"$work/status" 2>"$work/problem"
  fi
  read -r status <"$work/status"
}

# ask WHAT METHOD PATH bearer|open MODE OUT: one attempt; on success the facts of the answer are in $work/facts.
ask() {
  outcome=retry after=0 slow='' url="$base$3?version=$apiVersion$query" follows=0
  request "$2" "$4"
  while [ "$rc" -eq 0 ] && redirected; do request "$2" "$4"; done
  if [ "$rc" -ne 0 ]; then
    why=
    read -r why <"$work/problem"
    class=4 why="$1: no answer from $base: $why"
  elif [ "$status" = 200 ]; then
    if awk -v mode="$5" -v out="$6" -v nonce="$number_once" "$json" "$work/answer" >"$work/facts"; then
      outcome=ok
    else
      class=7 why="$1: HTTP 200, but the answer is not what the service promises (truncated, or from a proxy?)"
    fi
  else
    judge "$1"
  fi
}

# Followed only within the origin of the service: a token must not reach another host.
redirected() {
  case $status in 30[12378]) ;; *) return 1 ;; esac
  follows=$((follows + 1))
  url=$(awk 'tolower($1) == "location:" { sub(/\r$/, ""); print $2; exit }' "$work/headers")
  case $url in //*) ;; /*) url=$base$url ;; esac
  case $follows$url in
    *[!A-Za-z0-9:/?=\&._~%-]* | [!1-3]*) return 1 ;;
    ?"$base"/*) ;;
    *) return 1 ;;
  esac
}

# What a status other than 200 means. Refusals are repeated only while IAM may still be learning of this server.
judge() {
  awk -v mode=error -v headers="$work/headers" "$json" "$work/answer" >"$work/facts"
  { read -r error; read -r after; read -r why; } <"$work/facts"
  why="$1: HTTP $status $why"
  case $status in
    408 | 429 | 5??) class=6 ;;
    *)
      class=5 outcome=final
      case $status in 3??) why="$why; redirects are followed within $base, three at most" ;; esac
      if [ "$status" = 404 ] && [ -n "$legacy" ]; then
        # Servers that only know the paths of before August 2025.
        prefix=/instance_identity/v1 iam_tokens=iam_token apiVersion=2022-03-01 legacy='' outcome=retry
        return
      fi
      case $status/$error in
        400/profile_not_linked | 401/* | 403/*)
          if [ -n "$first_boot" ]; then outcome=retry slow=1; fi ;;
      esac
      if [ "$status" = 401 ]; then
        [ -n "$renewed" ] || outcome=retry
        identity_at='' renewed=1
      fi ;;
  esac
}

# A fresh identity token, kept as a curl header line; reused until four fifths of its life are over.
identity_token() {
  uptime
  if [ -n "$identity_at" ] && [ $((now - identity_at)) -lt $((identity_life * 4 / 5)) ]; then outcome=ok; return; fi
  identity_at=
  more=
  if [ -n "$nonce" ]; then
    number_once=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    more=",\"nonce\":\"$number_once\""
  fi
  printf '{"expires_in":%s%s}' "$identityTokenSeconds" "$more" >"$work/body"
  ask 'identity token' PUT "$prefix/token" open bearer "$work/bearer"
  number_once=
  if [ "$outcome" = ok ]; then
    read -r identity_life <"$work/facts"
    identity_at=$now
  fi
}

# Seconds since boot: unlike the clock they never jump, and reading them starts no process.
uptime() {
  if [ -r /proc/uptime ]; then IFS=. read -r now rest </proc/uptime; else now=$(date +%s); fi
}
`;
