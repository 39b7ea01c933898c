/** The child of {@code sluice run}: a command in namespaces of its own. */
@NullMarked
package dev.sluice.cli.namespace;

import org.jspecify.annotations.NullMarked;
