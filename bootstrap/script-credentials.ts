/**
 * The part of the installed script that obtains credentials and publishes them: a token is one file replaced by rename, a
 * certificate a folder of files that becomes visible by the rename of one symbolic link. A reader therefore sees the old
 * set or the new one, never a mixture, whenever the script is killed.
 */

/** `token NAME BY PROFILE` and `certificate`: one attempt each, outcome as in script-http.ts. */
export const SCRIPT_CREDENTIALS = String.raw`
ask_token() {
  case $2 in
    id) printf '{"trusted_profile":{"id":"%s"}}' "$3" ;;
    crn) printf '{"trusted_profile":{"crn":"%s"}}' "$3" ;;
    *) printf '{}' ;;
  esac >"$work/body"
  ask "IAM token \"$1\"" POST "$prefix/$iam_tokens" bearer token "$work/token"
}

token() {
  ask_token "$@"
  [ "$outcome" = ok ] || return
  read -r life <"$work/facts"
  uptime
  # The token first: were this killed in between, the note of a newer life would keep an older token.
  if note "$work/issued" $((life * iamTokenPercent / 100)) && [ -s "$work/token" ] && share 640 "$work/token" && mv -f "$work/token" "$run/tokens/$1" &&
    relabel "$run/tokens/$1" && mv -f "$work/issued" "$run/issued/$1"; then
    say "IAM token \"$1\" is in $run/tokens/$1 for $life seconds"
  else
    broken "cannot write $run/tokens/$1"
  fi
}

certificate() {
  new=$work/generation
  if [ ! -f "$work/csr" ] && ! request_certificate; then
    broken "openssl cannot make the key and the request: $why"
    return
  fi
  {
    printf '{"csr":"'
    while read -r line; do printf '%s\\n' "$line"; done <"$work/csr"
    printf '","expires_in":%s}' "$expiresInSeconds"
  } >"$work/body"
  ask certificate POST "$prefix/certificates" bearer chain "$new"
  [ "$outcome" = ok ] || return
  read -r life id count <"$work/facts"
  if ! check_certificate; then
    outcome=final class=8
    # A clock that is wrong at first may be set any moment.
    case $why in *'not yet valid'* | *expired*) outcome=retry slow=1 ;; esac
    why="certificate $id is refused: $why"
    return
  fi
  uptime
  publish || broken "cannot publish the certificate in $run"
}

# note FILE DUE: when what lives for $life seconds is due and when it has expired, a little early for whoever reads it last.
# No secret: whoever may read a credential may know this of it.
note() (umask 022 && printf '%s %s %s\n' $((now + life - life / 60)) $((now + $2)) "$boot" >"$1")

# share MODE PATH...: lets the group of the settings in; without one, files stay as the umask made them.
share() {
  [ -n "$group" ] || return 0
  mode=$1
  shift
  chgrp "$group" "$@" && chmod "$mode" "$@"
}

# Under SELinux a file keeps the label it was made with, which another service may not be let near.
relabel() { ! command -v restorecon >/dev/null || restorecon -R "$1" 2>/dev/null || :; }

broken() { outcome=final class=1 why=$1; }

# openssl_to FILE ARGUMENT...: the first line of what openssl says is wrong becomes the reason.
openssl_to() {
  out=$1
  shift
  why=
  spawn openssl "$@" >"$out" 2>"$work/problem" && return 0
  while read -r line; do
    case $line in *rror\ [0-9]*) why=$line ;; *) [ -n "$why" ] || why=$line ;; esac
  done <"$work/problem"
  return 1
}

# Own configuration: a distribution's may add extensions, which the service refuses. The request is read back for that reason.
request_certificate() {
  rm -rf "$new"
  mkdir "$new" || return 1
  printf '%s\n' '[req]' 'prompt = no' 'distinguished_name = dn' 'string_mask = utf8only' 'utf8 = yes' '[dn]' "$subject" \
    >"$work/openssl.cnf"
  make_key || return 1
  openssl_to "$work/csr.new" req -new -batch -sha256 -config "$work/openssl.cnf" -key "$new/key.pem" || return 1
  openssl_to "$work/asn1" asn1parse -in "$work/csr.new" || return 1
  awk '/d=2.*prim: INTEGER *:00$/ { version = 1 }
    /d=2.*l= *0 cons: cont \[ 0 \]/ { bare = 1 }
    /:commonName/ { named = 1 }
    /:sha256WithRSAEncryption/ { signed = 1 }
    END { exit !(version && bare && signed && !named) }' "$work/asn1" || { why='the request is not a bare version 1 request'; return 1; }
  mv -f "$work/csr.new" "$work/csr"
}

make_key() { openssl_to /dev/null genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$keySize" -out "$new/key.pem"; }

# Key and leaf belong together, the chain proves the leaf, the leaf is valid now and names a server.
check_certificate() {
  openssl_to "$work/key.pub" pkey -in "$new/key.pem" -pubout || return 1
  openssl_to "$work/leaf.txt" x509 -in "$new/leaf.pem" -noout -pubkey -serial -dates -fingerprint -sha256 \
    -subject -nameopt sep_multiline,sname,utf8,esc_ctrl || return 1
  awk 'NR == FNR { key = key $0; next }
    /^-----BEGIN/ { on = 1 }
    on { leaf = leaf $0 }
    /^-----END/ { on = 0 }
    { sub(/^ +/, "") }
    /^serial=/ { serial = substr($0, 8) }
    /^notBefore=/ { from = substr($0, 11) }
    /^notAfter=/ { to = substr($0, 10) }
    /[Ff]ingerprint=/ { digest = $0; sub(/^.*=/, "", digest); gsub(/:/, "", digest) }
    /^CN=/ { cn = substr($0, 4) }
    END {
      if (key == "" || key != leaf || cn !~ /^[0-9A-Za-z_-]+$/) exit 1
      printf "%s\n%s\n%s\n%s\n%s\n", cn, serial, from, to, digest
    }' "$work/key.pub" "$work/leaf.txt" >"$work/leaf" ||
    { why='the leaf does not have the key of the request, or no server as its common name'; return 1; }
  { read -r instance; read -r serial; read -r not_before; read -r not_after; read -r sha256; } <"$work/leaf"
  # A chain may be the leaf alone, and openssl refuses a file without any certificate.
  set -- -partial_chain -trusted "$new/last.pem"
  [ ! -f "$etc/trust-roots.pem" ] || set -- -no-CApath -CAfile "$etc/trust-roots.pem"
  [ ! -s "$new/chain.pem" ] || set -- "$@" -untrusted "$new/chain.pem"
  openssl_to "$work/verified" verify "$@" "$new/leaf.pem" && return 0
  why="its chain does not verify (is the clock right?): $why"
  return 1
}

publish() {
  number=0
  cd "$run/generations" || return 1
  for old in *; do
    case $old in *[!0-9]*) ;; *) if [ "$old" -gt "$number" ]; then number=$old; fi ;; esac
  done
  number=$((number + 1))
  rm -f "$new/last.pem"
  # Earlier by chance, so that servers made together do not renew together.
  note "$new/.issued" $((life * certificatePercent / 100 - $(od -An -N2 -tu2 /dev/urandom) % (life / 10 + 1))) &&
    printf '{"generation":%s,"instanceId":"%s","certificateId":"%s","serial":"%s","sha256":"%s","notBefore":"%s","notAfter":"%s",'\
'"expiresInSeconds":%s,"keySize":%s,"certificates":%s,"files":["key.pem","leaf.pem","chain.pem","fullchain.pem"]}\n' \
      "$number" "$instance" "$id" "$serial" "$sha256" "$not_before" "$not_after" "$life" "$keySize" "$count" \
      >"$new/manifest.json" &&
    cat "$new/leaf.pem" "$new/chain.pem" >"$new/fullchain.pem" &&
    share 640 "$new"/*.* && share 750 "$new" && mv "$new" "$run/generations/$number" &&
    relabel "$run/generations/$number" && ln -s "generations/$number" "$work/current" && swap || return 1
  rm -f "$work/csr"
  for old in *; do
    case $old in *[!0-9]*) ;; *) if [ "$old" -lt $((number - 1)) ]; then rm -rf "./$old"; fi ;; esac
  done
  say "certificate $id for $instance is in $run/current for $life seconds"
}

# rename(2) of the link. A mv without -T would move it into the folder the old link points to. What the link shows must be on
# the disk before it, or a crash leaves empty files behind a good link.
swap() {
  [ -z "$disk" ] || sync
  mv -fT "$work/current" "$run/current" 2>/dev/null || ln -sfn "generations/$number" "$run/current"
}
`;
