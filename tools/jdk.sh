# Sourced by ./sluice (through build.sh) and ./check: find_jdk25 sets jdk to the folder of a JDK 25.

# Is this folder a JDK 25? Reads its release file: starting java would cost 50 ms a candidate.
is_jdk25() {
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r line; do
    case $line in
      'JAVA_VERSION="25"' | 'JAVA_VERSION="25.'*) return 0 ;;
    esac
  done <"$1/release"
  return 1
}

find_jdk25() {
  if [ -n "${SLUICE_JAVA_HOME-}" ]; then
    jdk=$SLUICE_JAVA_HOME
    is_jdk25 "$jdk" && return 0
    echo "sluice: SLUICE_JAVA_HOME is '$jdk', which is not the folder of a JDK 25: correct it, or unset it to let sluice look for one" >&2
    return 1
  fi
  on_path=$(command -v java) && on_path=$(readlink -f "$on_path") && on_path=${on_path%/bin/java}
  for jdk in "${JAVA_HOME-}" "${on_path-}" /usr/lib/jvm/*25* /usr/java/*25* /usr/local/*25* /opt/*25* /opt/java/* \
    "${HOME-/root}"/.sdkman/candidates/java/25* "${HOME-/root}"/.jdks/*25* \
    "${HOME-/root}"/.local/share/mise/installs/java/*25* "${HOME-/root}"/.asdf/installs/java/*25*; do
    [ -n "$jdk" ] && is_jdk25 "$jdk" && return 0
  done
  echo "sluice: needs a JDK 25 and found none: install one (Debian: openjdk-25-jdk-headless, or temurin-25-jdk from adoptium.net)," \
    "or set SLUICE_JAVA_HOME to its folder" >&2
  return 1
}
