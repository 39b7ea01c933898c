/**
 * Faces: other people's programs that Sluice stands in for, with their command lines, sockets, files and messages, so that what was
 * written for those programs works with Sluice unchanged.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A face is chosen by the name that the launcher was called by (a link named {@code slirp4netns}, which {@code sluice install-faces
 * DIR} makes), or by {@code sluice as NAME …}. The launcher passes how it was called as the system property {@code sluice.program};
 * {@code Main} finds the {@link dev.sluice.cli.face.Face} of that name, and hands it the whole rest of the command line: the options
 * of Sluice's own commands mean nothing there.
 *
 * <p>A face translates and decides nothing: it reads its program's options, builds the network they describe from {@code cli.network},
 * and speaks its program's protocols at the sockets it was told to make. What it does not offer it refuses with the original's form of an
 * error; what has no meaning here (a sandbox of another make) it takes and says so, there and in docs/faces.md.
 *
 * <p>Each face has a package of its own below this one; none is loaded unless it is asked for.
 */
@NullMarked
package dev.sluice.cli.face;

import org.jspecify.annotations.NullMarked;
