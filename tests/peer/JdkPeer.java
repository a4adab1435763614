import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.Provider;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.AlgorithmParameterSpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import javax.xml.crypto.Data;
import javax.xml.crypto.MarshalException;
import javax.xml.crypto.OctetStreamData;
import javax.xml.crypto.URIDereferencer;
import javax.xml.crypto.XMLCryptoContext;
import javax.xml.crypto.XMLStructure;
import javax.xml.crypto.dom.DOMStructure;
import javax.xml.crypto.dsig.Manifest;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.TransformException;
import javax.xml.crypto.dsig.TransformService;
import javax.xml.crypto.dsig.XMLObject;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Another implementation's word on package signatures: the JDK's own XML signature validator, for the tests.
 *
 * It looks at digests and signature values alone, and knows nothing of coverage, certificates or trust. For each file
 * named it prints one line: the file, VALID, INVALID, UNSIGNED or ERROR, the number of references it checked, and
 * what it stumbled over, with tabs between. With -time N before the files, each is validated N times and the fastest
 * time in microseconds follows.
 */
public final class JdkPeer {
    private static final String DSIG = "http://www.w3.org/2000/09/xmldsig#";
    private static final String RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
    private static final String DIGITAL = "http://schemas.openxmlformats.org/package/2006/digital-signature";
    private static final String TRANSFORM = "http://schemas.openxmlformats.org/package/2006/RelationshipTransform";

    private record Verdict(String word, int references, String why) {}

    public static void main(String[] arguments) throws Exception {
        int rounds = 1;
        int first = 0;
        if (arguments.length > 1 && arguments[0].equals("-time")) {
            rounds = Integer.parseInt(arguments[1]);
            first = 2;
        }
        for (int place = first; place < arguments.length; place++) {
            Verdict verdict = null;
            long best = Long.MAX_VALUE;
            for (int round = 0; round < rounds; round++) {
                long start = System.nanoTime();
                verdict = judged(arguments[place]);
                best = Math.min(best, System.nanoTime() - start);
            }
            String time = first == 0 ? "" : "\t" + best / 1000;
            String why = verdict.why.replaceAll("\\s+", " ");
            System.out.println(arguments[place] + "\t" + verdict.word + "\t" + verdict.references + "\t" + why + time);
        }
    }

    private static Verdict judged(String file) {
        try (ZipFile zip = new ZipFile(file)) {
            int references = 0;
            List<String> parts = signatureParts(zip);
            for (String part : parts) {
                Verdict one = validated(zip, part);
                references += one.references;
                if (!one.word.equals("VALID")) {
                    return new Verdict(one.word, references, part + ": " + one.why);
                }
            }
            return new Verdict(parts.isEmpty() ? "UNSIGNED" : "VALID", references, "");
        } catch (Exception error) {
            return new Verdict("ERROR", 0, error.toString());
        }
    }

    /** The signature parts that the relationships of the package's signature origins lead to. */
    private static List<String> signatureParts(ZipFile zip) throws Exception {
        List<String> found = new ArrayList<>();
        for (String origin : targets(zip, "_rels/.rels", "/digital-signature/origin", "")) {
            int slash = origin.lastIndexOf('/') + 1;
            String relations = origin.substring(0, slash) + "_rels/" + origin.substring(slash) + ".rels";
            found.addAll(targets(zip, relations, "/digital-signature/signature", origin.substring(0, slash)));
        }
        return found;
    }

    private static List<String> targets(ZipFile zip, String part, String type, String folder) throws Exception {
        List<String> found = new ArrayList<>();
        NodeList all = parsed(part(zip, part)).getElementsByTagNameNS(RELATIONS, "Relationship");
        for (int place = 0; place < all.getLength(); place++) {
            Element one = (Element) all.item(place);
            if (one.getAttribute("Type").endsWith(type)) {
                String target = one.getAttribute("Target");
                found.add(target.startsWith("/") ? target.substring(1) : folder + target);
            }
        }
        return found;
    }

    private static Verdict validated(ZipFile zip, String part) throws Exception {
        Document document = parsed(part(zip, part));
        Element signature = document.getDocumentElement();
        NodeList certificates = document.getElementsByTagNameNS(DSIG, "X509Certificate");
        byte[] der = Base64.getMimeDecoder().decode(certificates.item(0).getTextContent());
        X509Certificate certificate = (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
        DOMValidateContext context = new DOMValidateContext(certificate.getPublicKey(), signature);
        // Secure validation allows no more than 30 references in a Manifest; a workbook with many sheets has more.
        context.setProperty("org.jcp.xml.dsig.secureValidation", Boolean.FALSE);
        context.setProperty("org.jcp.xml.dsig.validateManifests", Boolean.TRUE);
        markIds(signature, context);
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        URIDereferencer inside = factory.getURIDereferencer();
        context.setURIDereferencer((reference, where) -> {
            String uri = reference.getURI();
            if (uri.startsWith("#")) {
                return inside.dereference(reference, where);
            }
            try {
                return new OctetStreamData(new ByteArrayInputStream(part(zip, uri.split("\\?")[0].substring(1))));
            } catch (Exception error) {
                throw new javax.xml.crypto.URIReferenceException(error.toString());
            }
        });
        XMLSignature read = factory.unmarshalXMLSignature(context);
        if (!read.getSignatureValue().validate(context)) {
            return new Verdict("INVALID", 0, "SignatureValue");
        }
        List<Reference> references = new ArrayList<>();
        for (Object one : read.getSignedInfo().getReferences()) {
            references.add((Reference) one);
        }
        for (Object object : read.getObjects()) {
            for (Object content : ((XMLObject) object).getContent()) {
                if (content instanceof Manifest manifest) {
                    for (Object one : manifest.getReferences()) {
                        references.add((Reference) one);
                    }
                }
            }
        }
        for (Reference reference : references) {
            if (!reference.validate(context)) {
                return new Verdict("INVALID", references.size(), reference.getURI());
            }
        }
        return new Verdict("VALID", references.size(), "");
    }

    private static void markIds(Element element, DOMValidateContext context) {
        if (element.hasAttribute("Id")) {
            context.setIdAttributeNS(element, null, "Id");
        }
        for (Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element inner) {
                markIds(inner, context);
            }
        }
    }

    private static byte[] part(ZipFile zip, String name) throws Exception {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw new IllegalArgumentException("no part " + name);
        }
        return zip.getInputStream(entry).readAllBytes();
    }

    private static Document parsed(byte[] data) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        DocumentBuilder builder = factory.newDocumentBuilder();
        builder.setErrorHandler(null);
        return builder.parse(new ByteArrayInputStream(data));
    }

    static {
        Provider provider = new Provider("Peer", "1", "relationship transform") {};
        provider.put("TransformService." + TRANSFORM, RelationshipTransform.class.getName());
        provider.put("TransformService." + TRANSFORM + " MechanismType", "DOM");
        java.security.Security.addProvider(provider);
    }

    /** ECMA-376 Part 2, 13.2.4.24. */
    public static final class RelationshipTransform extends TransformService {
        private final Set<String> ids = new TreeSet<>();

        @Override
        public void init(XMLStructure parent, XMLCryptoContext context) {
            NodeList picked = ((Element) ((DOMStructure) parent).getNode())
                    .getElementsByTagNameNS(DIGITAL, "RelationshipReference");
            for (int place = 0; place < picked.getLength(); place++) {
                ids.add(((Element) picked.item(place)).getAttribute("SourceId"));
            }
        }

        @Override
        public void init(TransformParameterSpec parameters) {}

        @Override
        public void marshalParams(XMLStructure parent, XMLCryptoContext context) throws MarshalException {}

        @Override
        public AlgorithmParameterSpec getParameterSpec() {
            return null;
        }

        @Override
        public boolean isFeatureSupported(String feature) {
            return false;
        }

        @Override
        public Data transform(Data data, XMLCryptoContext context) throws TransformException {
            try (InputStream stream = ((OctetStreamData) data).getOctetStream()) {
                NodeList all = parsed(stream.readAllBytes()).getElementsByTagNameNS(RELATIONS, "Relationship");
                List<Element> kept = new ArrayList<>();
                for (int place = 0; place < all.getLength(); place++) {
                    Element one = (Element) all.item(place);
                    if (ids.contains(one.getAttribute("Id"))) {
                        kept.add(one);
                    }
                }
                kept.sort(Comparator.comparing(one -> one.getAttribute("Id")));
                StringBuilder text = new StringBuilder("<Relationships xmlns=\"" + RELATIONS + "\">");
                for (Element one : kept) {
                    String mode = one.hasAttribute("TargetMode") ? one.getAttribute("TargetMode") : "Internal";
                    text.append("<Relationship Id=\"").append(one.getAttribute("Id"));
                    text.append("\" Target=\"").append(one.getAttribute("Target").replace("&", "&amp;"));
                    text.append("\" TargetMode=\"").append(mode);
                    text.append("\" Type=\"").append(one.getAttribute("Type")).append("\"></Relationship>");
                }
                byte[] octets = text.append("</Relationships>").toString().getBytes(StandardCharsets.UTF_8);
                return new OctetStreamData(new ByteArrayInputStream(octets));
            } catch (Exception error) {
                throw new TransformException(error);
            }
        }

        @Override
        public Data transform(Data data, XMLCryptoContext context, OutputStream stream) throws TransformException {
            return transform(data, context);
        }
    }
}
