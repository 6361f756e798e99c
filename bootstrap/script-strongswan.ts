/**
 * The part of the extras that gives strongSwan its credentials: the file layout of swanctl, as IBM's mount helper for file
 * shares with encryption in transit uses it. These are copies and no links, because AppArmor and SELinux confine charon
 * and swanctl to their own folders.
 */

/** `strongswan NAME`: called among the hooks, after the certificate was renewed; `remove_copies NAME`: by `uninstall`. */
export const SCRIPT_STRONGSWAN = String.raw`
strongswan() {
  case " $VPC_IDENTITY_CHANGED" in
    *' certificate '*) (copy_credentials "$1") || hook_failed "swanctl $1" ;;
    *) mine && foreign_copies && remove_copies "$1" ;;
  esac
  return 0
}

# Copies in an image of another server came along with its disk; the note says whose they are.
foreign_copies() {
  swanctl_folder
  whose='' here=''
  [ ! -r "$at/.vpc-identity.server" ] || read -r whose <"$at/.vpc-identity.server"
  [ ! -r "$run/server" ] || read -r here <"$run/server"
  [ -n "$whose" ] && [ -n "$here" ] && [ "$whose" != "$here" ]
}

swanctl_folder() {
  at=$root/etc/swanctl
  [ -d "$at" ] || [ ! -d "$root/etc/strongswan" ] || at=$root/etc/strongswan/swanctl
}

# remove_copies NAME: when all is uninstalled; charon forgets what it has loaded.
remove_copies() {
  swanctl_folder
  # The note last: without it, what is left behind would belong to nobody.
  rm -rf "$at/.vpc-identity" "$at/private/$1.key" "$at/x509/$1.pem" "$at/x509ca/$1"_int*.crt "$at/.vpc-identity.server"
  load_credentials
}

load_credentials() {
  if command -v swanctl >/dev/null; then limited swanctl --load-creds --clear --noprompt; fi
}

# Copied from one generation, whatever is swapped meanwhile, and moved into place file by file: a certificate that has no
# key yet is passed over by strongSwan, so the key comes last.
copy_credentials() {
  swanctl_folder
  mkdir -p "$at/private" "$at/x509" "$at/x509ca" && chmod 750 "$at/private" && cd -P "$run/current" || return 1
  rm -rf "$at/.vpc-identity"
  mkdir "$at/.vpc-identity" && cp key.pem "$at/.vpc-identity/$1.key" && cp leaf.pem "$at/.vpc-identity/$1.pem" &&
    cp "$run/server" "$at/.vpc-identity/server" || return 1
  # strongSwan reads one certificate from each file.
  set -- "$1" chain.pem
  [ ! -r "$etc/trust-roots.pem" ] || set -- "$@" "$etc/trust-roots.pem"
  name=$1
  shift
  cat "$@" | awk -v base="$at/.vpc-identity/$name" '
    /^-----BEGIN/ { file = base "_int" (n++ ? n : "") ".crt" }
    file != "" { print > file }
    /^-----END/ { close(file); file = "" }' || return 1
  for old in "$at/x509ca/$name"_int*.crt; do
    # What an earlier chain had more would be trusted for ever.
    [ -f "$at/.vpc-identity/$(basename "$old")" ] || rm -f "$old"
  done
  mv -f "$at/.vpc-identity/server" "$at/.vpc-identity.server" && mv -f "$at/.vpc-identity/$name"_int*.crt "$at/x509ca" &&
    mv -f "$at/.vpc-identity/$name.pem" "$at/x509" && mv -f "$at/.vpc-identity/$name.key" "$at/private" &&
    rmdir "$at/.vpc-identity" || return 1
  ! command -v restorecon >/dev/null || restorecon -R "$at" 2>/dev/null
  load_credentials
}
`;
