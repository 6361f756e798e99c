/**
 * The part of the installed script that tells a person why there is no identity: one check after the other, in the order
 * in which the cause of a failure would show, each failure with what to do about it.
 */

/** Command `doctor`; ends with the exit code of the first class of failure found. */
export const SCRIPT_DOCTOR = String.raw`
good() { printf 'ok    %s\n' "$*"; }
bad() {
  code=$1
  printf 'FAIL  %s\n      fix: %s\n' "$2" "$3"
  exit "$code"
}

doctor() {
  has_tools || bad 3 "\"$tool\" is missing" 'install it with the package manager of this image'
  good 'tools are there'
  # Neither the lock nor the work folder of a run, which a doctor must not wait for; and nothing is published.
  mkdir -p "$run" && mine && work=$(mktemp -d "$run/.doctor.XXXXXX") ||
    bad 1 "cannot use $run" 'make room, and give it to this user alone'
  good "settings: $etc/config.json, results in $run"
  identity_token
  if [ "$outcome" != ok ] && [ "$class" = 4 ]; then no_answer; fi
  [ "$outcome" = ok ] || bad "$class" "$why" 'see the error of the service above'
  good "metadata service: $base gives an instance identity token for $identity_life s"
  theirs=
  theirs=$(awk -v mode=clock -v headers="$work/headers" "$json" /dev/null)
  if [ -n "$theirs" ]; then
    skew=$(($(date +%s) - theirs))
    if [ $((skew * skew)) -gt 3600 ]; then
      bad 8 "clock: this server is $skew s off" 'set up time synchronisation (chrony, time.adn.networklayer.com)'
    fi
    good "clock: $skew s off"
  fi
  while read -r kind name by profile; do
    [ "$kind" = token ] || continue
    ask_token "$name" "$by" "$profile"
    case $outcome/$error in
      ok/*) ;;
      */profile_not_linked)
        bad 5 "$why" 'link the trusted profile to this server, or add a claim rule that fits it; new links take some minutes' ;;
      */missing_field) bad 5 "$why" 'this server has no default trusted profile: name one' ;;
      *) bad "$class" "$why" 'see the error of the service above' ;;
    esac
    read -r life <"$work/facts"
    good "IAM token \"$name\": $life s; if an API answers it with 403, the profile has no policy for that API yet"
  done <<END
$wanted
END
  exit 0
}

# No connection: the other protocol, the way curl failed and where we run tell the causes apart.
no_answer() {
  seen=$why
  case $base in
    http:*) other=https://api.metadata.cloud.ibm.com ;;
    *) other=http://169.254.169.254 ;;
  esac
  failed=$rc
  if [ -z "$VPC_IDENTITY_METADATA_URL" ] && curl -q -s --noproxy '*' --connect-timeout 3 --max-time 5 -o /dev/null "$other/"; then
    bad 4 "wrong protocol: $other answers, $base does not" 'set protocol in the bootstrap options as on the server'
  fi
  case $failed/$seen in
    6/*) bad 4 "$seen" 'check the DNS resolver of this server' ;;
    35/* | 51/* | 60/*) bad 4 "$seen" 'the certificate of the service is not trusted here: install the CA bundle, check the clock' ;;
    7/*)
      # Why the kernel refused, newer versions of curl only say when asked for everything.
      case $(curl -q -sv --noproxy '*' --connect-timeout 3 --max-time 5 -o /dev/null "$base/" 2>&1) in
        *nreachable* | *'ermission denied'* | *'not permitted'*)
          bad 4 "blocked: $seen" 'allow link-local traffic to 169.254.169.254 in the routes and the firewall of this server' ;;
      esac
      bad 4 "refused: $seen" 'check the protocol of the metadata service, and the firewall of this server' ;;
  esac
  if [ -e /.dockerenv ] || [ -e /run/.containerenv ]; then
    bad 4 "hop limit: no answer inside a container ($seen)" 'raise metadataService.responseHopLimit, or use the host network'
  fi
  bad 4 "metadata disabled or blocked: $seen" \
    'enable metadataService on this server, then stop and start it; allow 169.254.169.254 in its firewall'
}
`;
