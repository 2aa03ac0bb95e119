import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's own command line tools one after the other in one JVM, because starting one for each takes seconds.
 *
 * <p>Reads a JSON array per line, a tool's class and its arguments, calls the tool's main method with them, and
 * prints {"exit": its exit code, "output": all that it printed}.
 */
public final class Tools {
  private Tools() {}

  /** Ends a tool that has asked for the end of the JVM. */
  private static final class Exited extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** The code that the tool wanted to exit with first, or null while it runs. */
  private static Integer exitCode;

  public static void main(String[] args) throws Exception {
    PrintStream out = System.out;
    ObjectMapper json = new ObjectMapper();
    Exit.setExitProcedure((code, message) -> {
      if (exitCode == null) {
        exitCode = code;
        if (message != null) System.out.println(message);
        // Some tools catch what ends them here and complain about it.
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        System.setOut(nowhere);
        System.setErr(nowhere);
      }
      throw new Exited();
    });
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] command = json.readValue(line, String[].class);
      ByteArrayOutputStream printed = new ByteArrayOutputStream();
      PrintStream print = new PrintStream(printed, true, StandardCharsets.UTF_8);
      System.setOut(print);
      System.setErr(print);
      Map<String, Object> told = new LinkedHashMap<>();
      told.put("exit", run(command, print));
      told.put("output", printed.toString(StandardCharsets.UTF_8));
      out.println(json.writeValueAsString(told));
      out.flush();
    }
    Runtime.getRuntime().halt(0);
  }

  private static int run(String[] command, PrintStream print) throws Exception {
    Object arguments = Arrays.copyOfRange(command, 1, command.length);
    exitCode = null;
    try {
      Class.forName(command[0]).getMethod("main", String[].class).invoke(null, arguments);
    } catch (InvocationTargetException error) {
      if (exitCode == null) {
        error.getCause().printStackTrace(print);
        return 1;
      }
    }
    return exitCode == null ? 0 : exitCode;
  }
}
