package dev.sluice.it.lab;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One failure stays one: the programs that a failed test leaves running are ended and shown before the next test begins, which would
 * else find their ports taken, or wait in vain for them to be gone. What is shared by a class's tests stays. It holds for every class of
 * this module (META-INF/services), so no test has to clean up after its own assertions.
 */
public final class Leftovers implements BeforeEachCallback, AfterTestExecutionCallback, AfterEachCallback {
    private static final ExtensionContext.Namespace OWN = ExtensionContext.Namespace.create(Leftovers.class);

    @Override
    public void beforeEach(ExtensionContext context) {
        context.getStore(OWN).put("before", Lab.programsSoFar());
    }

    /** Before the test's own methods look whether anything is left. */
    @Override
    public void afterTestExecution(ExtensionContext context) {
        endIfFailed(context);
    }

    /** Also what was started by those methods, or before a test that could not begin. */
    @Override
    public void afterEach(ExtensionContext context) {
        endIfFailed(context);
    }

    private static void endIfFailed(ExtensionContext context) {
        if (context.getExecutionException().isPresent()) {
            Lab.endProgramsSince(context.getStore(OWN).getOrDefault("before", Long.class, Long.MAX_VALUE));
        }
    }
}
