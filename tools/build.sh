# Sourced by ./sluice when nothing usable is built: builds into .sluice/ and sets java, version, app, cache and flags; returns 1 after
# saying why not.
#   .sluice/app-KEY/     the jars (KEY: a digest of their content) and their AOT cache
#   .sluice/built        its time is when the newest build began
#   .sluice/current      where, java, version, app, cache, flags: written last and at once, so what it names is whole
. "$home/tools/jdk.sh"

choose_flags() {
  # The data path needs C2, so no TieredStopAtLevel; one small heap, because packets live outside of it.
  flags="-XX:+UseSerialGC -Xms8m -Xmx256m -Xss512k -XX:+UseCompactObjectHeaders -XX:-UsePerfData"
  # Mapping the AOT cache where it was made for, instead of anywhere, saves patching it: a third of its pages stay untouched.
  flags="$flags -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0"
  # Two threads of the JVM look four times and once a second for work that we hardly make; an idle sluice shall sleep.
  flags="$flags -XX:AsyncDeflationInterval=30000 -XX:ServiceThreadCleanupInterval=30000"
  # What a time of load needed goes back to the system: a heap that was collected keeps at most two fifths free, and what compilers have
  # used and the C library keeps is looked for every five seconds.
  flags="$flags -XX:MinHeapFreeRatio=20 -XX:MaxHeapFreeRatio=40 -XX:-ShrinkHeapInSteps -XX:TrimNativeHeapInterval=5000"
  # Foreign calls are compiled once and not again into each caller: that takes a good part of all compiling, and where the compiler's
  # limit of depth cuts it short, each call leaves a 40-byte slice behind.
  flags="$flags -XX:CompileCommand=quiet -XX:CompileCommand=dontinline,dev.sluice.posix.Call::raw"
  # Nor are the steps of a frame's way compiled into each step above them: a call per frame is nothing beside compiling it five times.
  for step in gateway.Ipv4Input::onFrame gateway.TransportInput::onPacket gateway.tcp.Gathering::flush host.LinuxStreamSocket::read \
    gateway.tcp.TcpFlow::transmit stack.tcp.SendRing::reserve stack.tcp.SegmentWriter::send link.DescriptorLink::send; do
    flags="$flags -XX:CompileCommand=dontinline,dev.sluice.$step"
  done
  # Compilers give way: where both processors are busy, a flow that waits for the compiler waits for milliseconds. Nobody needs to be
  # privileged to be nice; the JVM warns of it all the same.
  flags="$flags -XX:ThreadPriorityPolicy=1 -XX:CompilerThreadPriority=10 -XX:-PrintWarnings"
  # The limit of descriptors is raised by the gateway when it starts; the command of 'run' keeps what the user has set.
  flags="$flags -XX:-MaxFDLimit"
  flags="$flags -XX:ReservedCodeCacheSize=64m -Xlog:disable -Xlog:all=error,aot*=off,cds*=off:stderr"
  # Its own default, said here: it is else looked up in java.security, and reading that takes ten milliseconds of every start.
  flags="$flags -Djdk.includeInExceptions=hostInfoExclSocket"
  flags="$flags -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 --enable-native-access=dev.sluice.posix"
}

build() {
  find_jdk25 || return 1
  if ! command -v mvn >/dev/null; then
    echo "sluice: needs Maven (mvn) to build itself and found none: install it (Debian: apt install maven)" >&2
    return 1
  fi
  if ! mkdir -p "$state" 2>/dev/null || ! [ -w "$state" ]; then
    echo "sluice: has to be built, but $home is not writable for you: run ./sluice --version there once as its owner" >&2
    return 1
  fi
  exec 9>"$state/lock"
  if ! flock -n 9; then
    echo "sluice: waiting for another build of $home to end" >&2
    flock 9
  fi
  if up_to_date; then # by whoever held the lock
    exec 9>&-
    return 0
  fi
  choose_flags # only now: what is out of date has just been read, with its flags
  echo "sluice: building, once for this version of the sources and of the JDK (a minute or two; the log is $state/build.log)" >&2
  began=$state/began.$$
  : >"$began"
  # Without C2: what runs for a minute only is not worth its work (2 of 5 processor seconds).
  if ! JAVA_HOME=$jdk MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC --sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS-}" mvn -q -B -ntp -f "$home/pom.xml" \
    -pl cli -am package -Dmaven.test.skip=true >"$state/build.log" 2>&1 9>&-; then
    grep -E '^\[ERROR\]' "$state/build.log" | head -n 8 >&2
    echo "sluice: the build failed; the whole of it is in $state/build.log" >&2
    rm -f "$began"
    return 1
  fi
  java=$jdk/bin/java
  key=$(cat "$home"/cli/target/app/*.jar "$home"/cli/target/cli-*.jar | sha256sum | cut -c1-16)
  app=app-$key
  if ! [ -d "$state/$app" ]; then
    rm -rf "$state/new"
    mkdir "$state/new"
    cp "$home"/cli/target/app/*.jar "$home"/cli/target/cli-*.jar "$state/new/"
    mv "$state/new" "$state/$app"
  fi
  prepare_aot_cache
  {
    where=$state
    for name in where java version app cache flags; do
      eval "value=\$$name"
      printf "%s='%s'\n" "$name" "$(printf %s "$value" | sed "s/'/'\\\\''/g")"
    done
  } >"$state/current.$$"
  mv "$began" "$state/built"
  mv "$state/current.$$" "$state/current"
  # Older versions may still run and load classes; the last few stay.
  ls -dt "$state"/app-* | tail -n +4 | while IFS= read -r old; do rm -rf "$old"; done
  exec 9>&-
  return 0
}

# A training run records what start-up loads, links and compiles; without the cache everything works, only slower to start.
# The cache is good for these jars, this JDK and these flags; the JVM ignores one that does not fit.
prepare_aot_cache() {
  version=$(grep -E '^(IMPLEMENTOR_|JAVA_RUNTIME_)VERSION=' "$jdk/release" | head -n 1)
  cache=$(printf %s "$version $flags" | sha256sum | cut -c1-16).aot
  new=$state/$app/$cache.$$
  if ! [ -s "$state/$app/$cache" ]; then
    # shellcheck disable=SC2086
    timeout 60 "$java" $flags -XX:AOTCacheOutput="$new" -p "$state/$app" -m dev.sluice.cli/dev.sluice.cli.Main \
      training >"$state/aot.log" 2>&1 </dev/null 9>&-
    [ -s "$new" ] && mv "$new" "$state/$app/$cache"
    rm -f "$new"*
  fi
  [ -s "$state/$app/$cache" ] || cache=
}

build
