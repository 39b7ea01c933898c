# Sourced by bench/streamlink and bench/jmh with home set: builds the module bench unless that is done already, and sets java, flags
# (those of ./sluice that matter for speed) and classpath.
. "$home/tools/jdk.sh"
find_jdk25 || return 1
java=$jdk/bin/java
flags="-XX:+UseSerialGC -Xms64m -Xmx256m -XX:+UseCompactObjectHeaders -XX:CompileCommand=quiet"
flags="$flags -XX:CompileCommand=dontinline,dev.sluice.posix.Call::raw --enable-native-access=ALL-UNNAMED"
target=$home/bench/target
classpath="$target/classes:$target/lib/*"
if ! [ -e "$target/built" ] ||
  [ -n "$(find "$home/pom.xml" "$home"/*/pom.xml "$home"/*/src/main -newer "$target/built" -print -quit)" ]; then
  echo "bench: building (the log is $target/build.log)" >&2
  mkdir -p "$target"
  : >"$target/began"
  if ! JAVA_HOME=$jdk MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS-}" mvn -q -B -ntp -f "$home/pom.xml" \
    -pl bench -am package -Dmaven.test.skip=true >"$target/build.log" 2>&1; then
    grep -E '^\[ERROR\]' "$target/build.log" | head -n 8 >&2
    echo "bench: the build failed" >&2
    return 1
  fi
  mv "$target/began" "$target/built"
fi
