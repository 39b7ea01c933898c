# Sourced by ./sluice-packetdrill when nothing usable is built: builds into .sluice/packetdrill and sets java; returns 1 after
# saying why not.
. "$home/tools/jdk.sh"

build_packetdrill() {
  find_jdk25 || return 1
  if ! command -v mvn >/dev/null; then
    echo "sluice-packetdrill: needs Maven (mvn) to build itself and found none: install it (Debian: apt install maven)" >&2
    return 1
  fi
  if ! mkdir -p "$state" 2>/dev/null || ! [ -w "$state" ]; then
    echo "sluice-packetdrill: has to be built, but $home is not writable for you: run it there once as its owner" >&2
    return 1
  fi
  exec 9>"$home/.sluice/lock" # the one of ./sluice: both write to the same target folders
  if ! flock -n 9; then
    echo "sluice-packetdrill: waiting for another build of $home to end" >&2
    flock 9
  fi
  if up_to_date; then
    exec 9>&-
    return 0
  fi
  echo "sluice-packetdrill: building, once for this version of the sources (the log is $state/build.log)" >&2
  : >"$state/began.$$"
  if ! JAVA_HOME=$jdk MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS-}" mvn -q -B -ntp -f "$home/pom.xml" \
    -pl testkit -am package -Dmaven.test.skip=true >"$state/build.log" 2>&1 9>&-; then
    grep -E '^\[ERROR\]' "$state/build.log" | head -n 8 >&2
    echo "sluice-packetdrill: the build failed; the whole of it is in $state/build.log" >&2
    rm -f "$state/began.$$"
    return 1
  fi
  for module in wire stack testkit; do
    for jar in "$home/$module/target/$module"-*.jar; do
      case $jar in
        *-tests.jar | *-sources.jar) ;;
        *) cp "$jar" "$state/$module.jar.$$" && mv "$state/$module.jar.$$" "$state/$module.jar" ;;
      esac
    done
  done
  java=$jdk/bin/java
  {
    printf "where='%s'\n" "$(printf %s "$state" | sed "s/'/'\\\\''/g")"
    printf "java='%s'\n" "$(printf %s "$java" | sed "s/'/'\\\\''/g")"
  } >"$state/current.$$"
  mv "$state/began.$$" "$state/built"
  mv "$state/current.$$" "$state/current"
  exec 9>&-
}

build_packetdrill
