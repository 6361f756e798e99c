/**
 * The part of the extras for those who watch over many servers: log lines that a program can read, and a file for
 * Prometheus' textfile collector.
 */

/** Overrides `say` and `report`; adds `metrics`. */
export const SCRIPT_REPORTS = String.raw`
logFormat=plain
log_format() { logFormat=$1; }

# event TEXT: what a line is about, so that alerts need not search sentences.
event() {
  case $1 in
    *' is in '*) event=renewed ;;
    'trying again'*) event=waiting ;;
    'gave up'*) event=gave_up ;;
    'the hook failed'*) event=hook_failed ;;
    *': HTTP '* | *': no answer'* | *' is refused: '*) event=failed ;;
    *) event=note ;;
  esac
}

say() {
  [ "$logFormat" != plain ] || { printf 'vpc-identity: %s\n' "$*" >&2; return; }
  event "$*"
  seconds='' trace='' http='' refusal=''
  case $event in
    renewed) seconds=$life ;;
    failed)
      case $* in *': HTTP '*) http=$status refusal=$error ;; esac
      case $* in *'(trace '*) trace=$(printf %s "$*" | sed 's/.*(trace \([^)]*\)).*/\1/') ;; esac ;;
  esac
  for field in "time=$(date -u +%Y-%m-%dT%H:%M:%SZ)" program=vpc-identity "event=$event" "http_code=$http" "code=$refusal" \
    "trace=$trace" "seconds_left=$seconds" "message=$*"; do
    printf '%s\n' "$field"
  done | awk -v json="$logFormat" '
    { key = substr($0, 1, index($0, "=") - 1); text = substr($0, length(key) + 2); if (text == "") next }
    { if (text !~ /^[0-9]+$/) { gsub(/[\\"]/, "\\\\&", text); text = "\"" text "\"" } }
    { line = line (line == "" ? "" : json == "json" ? "," : " ") (json == "json" ? "\"" key "\":" : key "=") text }
    END { print json == "json" ? "{" line "}" : line }' >&2
}

report() { ! each metrics metrics || return 0; }

# metrics FILE: replaced as a whole; the collector is another user. Settings are read anew: the run has used its own up. Where
# they or the folder are why it ended early, nothing is said of the credentials.
metrics() { (write_metrics "$1" "$code" "$(date +%s)"); }

write_metrics() {
  doing='' wanted='' hooks=0
  if (settings) 2>/dev/null; then settings; fi
  if mine; then [ ! -r "$run/hooks-failed" ] || read -r hooks <"$run/hooks-failed"; else wanted=''; fi
  [ "$hooks" = 1 ] || hooks=0
  # What a run left that was killed in here; another run may be in here just now.
  for old in "$root$1".vpc-identity.*; do [ ! -f "$old" ] || kill -0 "$(printf %s "$old" | sed 's/.*[.]//')" 2>/dev/null || rm -f "$old"; done
  (umask 022; mkdir -p "$root$(dirname "$1")") && {
    printf '%s\n' '# TYPE vpc_identity_last_run_exit_code gauge' "vpc_identity_last_run_exit_code $2" \
      '# TYPE vpc_identity_last_run_timestamp_seconds gauge' "vpc_identity_last_run_timestamp_seconds $3" \
      '# TYPE vpc_identity_hooks_failed gauge' "vpc_identity_hooks_failed $hooks" \
      '# TYPE vpc_identity_expiry_timestamp_seconds gauge'
    while read -r kind name by profile; do
      [ -n "$kind" ] || continue
      condition "$kind" "$name"
      printf 'vpc_identity_expiry_timestamp_seconds{kind="%s",name="%s"} %s\n' "$kind" "$name" $(($3 + seconds_left))
    done <<END
$wanted
END
  } >"$root$1.vpc-identity.$$" && chmod 644 "$root$1.vpc-identity.$$" && mv -f "$root$1.vpc-identity.$$" "$root$1" || say "cannot write $1"
}

# remove_file FILE: when all is uninstalled.
remove_file() { rm -f "$root$1" "$root$1".vpc-identity.*; }

[ ! -r "$etc/extras.conf" ] || each log log_format
case $doing in once | renew) trap 'code=143; report; exit 143' TERM ;; esac
`;
